//! Instructions that the codecs take for a fixed input: the same on a busy machine as on a quiet one.
//!
//! Each codec runs as a process under valgrind, which counts. What an empty process takes is subtracted. The counts are of
//! the compiler and the libraries that made them: after an update of those they are recorded again.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use transom_layertar::{Limits, Reader};

use crate::layers;
use crate::peers::find;

/// A codec, and how it works through its input.
type Codec = (&'static str, fn(&Inputs) -> Result<()>);

/// What is counted; the first does nothing but make the inputs.
const CODECS: [Codec; 6] = [
    ("nothing", |_| Ok(())),
    ("inflate", |inputs| {
        sink(MultiGzDecoder::new(&inputs.gzip[..]))
    }),
    ("deflate", |inputs| {
        Ok(transom_gzip::compress(
            &mut &inputs.tar[..],
            &mut io::sink(),
            1,
        )?)
    }),
    ("unzstd", |inputs| {
        sink(zstd::Decoder::with_buffer(&inputs.zstd[..])?)
    }),
    ("sha256", |inputs| {
        std::hint::black_box(Sha256::digest(&inputs.tar));
        Ok(())
    }),
    ("read headers", read_headers),
];

/// Growth that is told from noise, in percent.
const TOLERANCE: u64 = 5;

/// Entries of the tar that all of them work on.
const ENTRIES: usize = 2_000;

/// The same tar in three forms.
struct Inputs {
    tar: Vec<u8>,
    gzip: Vec<u8>,
    zstd: Vec<u8>,
}

impl Inputs {
    fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("layer.tar");
        layers::write_entries(ENTRIES, &path)?;
        let tar = fs::read(path)?;
        let mut gzip = Vec::new();
        transom_gzip::compress(&mut &tar[..], &mut gzip, 1)?;
        let zstd = zstd::encode_all(&tar[..], 3)?;
        Ok(Self { tar, gzip, zstd })
    }
}

fn sink(mut source: impl Read) -> Result<()> {
    io::copy(&mut source, &mut io::sink())?;
    Ok(())
}

fn read_headers(inputs: &Inputs) -> Result<()> {
    let mut reader = Reader::new(&inputs.tar[..], Limits::default());
    while let Some(entry) = reader.next_entry()? {
        std::hint::black_box(entry);
    }
    Ok(())
}

/// Works through the input of one codec: what is counted.
///
/// # Errors
/// If there is no such codec, or it fails.
pub(crate) fn codec(name: &str) -> Result<()> {
    let found = CODECS.iter().find(|(known, _)| *known == name);
    let (_, work) = found.with_context(|| format!("there is no codec {name}"))?;
    work(&Inputs::make()?)
}

/// Counts all codecs, and compares with a file of counts or writes it: `FILE [--record]`.
///
/// # Errors
/// If a count has grown by more than [`TOLERANCE`] percent, or nothing can be counted.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let (file, record) = match arguments {
        [file] => (Path::new(file), false),
        [file, "--record"] => (Path::new(file), true),
        _ => bail!("counts FILE [--record]"),
    };
    find("valgrind")?;
    let nothing = count("nothing")?;
    let mut counts = Vec::new();
    for (name, _) in CODECS.iter().skip(1) {
        counts.push((*name, count(name)?.saturating_sub(nothing)));
    }
    if record {
        let lines = counts
            .iter()
            .map(|(name, count)| format!("{name},{count}\n"));
        let text = "codec,instructions\n".to_owned() + &lines.collect::<String>();
        return fs::write(file, text).with_context(|| format!("cannot write {}", file.display()));
    }
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let grown = compare(&counts, &text)?;
    ensure!(
        grown.is_empty(),
        "more instructions than recorded in {}: {} (if that is meant: cargo xtask bench --counts --record)",
        file.display(),
        grown.join(", ")
    );
    Ok(())
}

/// Prints each count beside the recorded one, and names those that have grown.
fn compare(counts: &[(&str, u64)], recorded: &str) -> Result<Vec<String>> {
    let mut grown = Vec::new();
    for (name, count) in counts {
        let lines = recorded.lines().filter_map(|line| line.split_once(','));
        let before = lines.into_iter().find(|(known, _)| known == name);
        let (_, before) = before.with_context(|| format!("{name} was never recorded"))?;
        let before: u64 = before
            .parse()
            .with_context(|| format!("{name}: {before}"))?;
        let percent = *count as f64 / before as f64 * 100.0 - 100.0;
        let line = format!("{name} {count} instead of {before} ({percent:+.1} %)");
        writeln!(io::stdout(), "{line}")?;
        if *count > before + before * TOLERANCE / 100 {
            grown.push(line);
        }
    }
    Ok(grown)
}

/// Counts the instructions of one process.
fn count(name: &str) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["codec", name]);
    let output = command.output().context("cannot start valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", said.trim());
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let (_, collected) = collected.with_context(|| format!("valgrind counted nothing: {said}"))?;
    Ok(collected.trim().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_grows_by_more_than_noise_is_named() {
        let recorded = "codec,instructions\na,1000\nb,1000\nc,1000\n";
        let counts = [("a", 1050), ("b", 1051), ("c", 10)];
        let grown = compare(&counts, recorded).unwrap();
        assert_eq!(grown, ["b 1051 instead of 1000 (+5.1 %)"]);
        assert!(compare(&[("d", 1)], recorded).is_err());
    }

    #[test]
    fn every_codec_works_through_its_input() {
        let inputs = Inputs::make().unwrap();
        assert!(inputs.tar.len() > 1 << 20 && inputs.gzip.len() < inputs.tar.len());
        for (name, work) in CODECS {
            work(&inputs).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        }
    }
}
