//! What a run works with: the corpus, the program, a folder on the same disk.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::image::Blob;
use crate::peers::unpack::tar;

/// What a run works with.
#[derive(Debug)]
pub(crate) struct Scene {
    corpus: PathBuf,
    /// Where all that is made goes. It is on the disk of the corpus, and removed in the end.
    pub(crate) work: PathBuf,
    transom: PathBuf,
    /// A Debian root folder with containerd.
    pub(crate) clients: Option<PathBuf>,
    /// A smaller layer, fewer rounds, shorter curves.
    pub(crate) is_quick: bool,
    /// Curves go up to what takes very long.
    pub(crate) is_large: bool,
    /// Where the report goes.
    pub(crate) out: PathBuf,
    /// The groups that were asked for; none: all.
    pub(crate) groups: Vec<String>,
}

impl Scene {
    /// Reads the arguments: `CORPUS TRANSOM --out DIR [--clients DIR] [--quick] [--large] [GROUP]…`.
    ///
    /// # Errors
    /// If one is unknown or missing.
    pub(crate) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut plain = Vec::new();
        let (mut out, mut clients) = (None, None);
        let (mut is_quick, mut is_large) = (false, false);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match *argument {
                "--out" => out = rest.next().map(PathBuf::from),
                "--clients" => clients = rest.next().map(PathBuf::from),
                "--quick" => is_quick = true,
                "--large" => is_large = true,
                option if option.starts_with('-') => bail!("unknown argument: {option}"),
                word => plain.push(word),
            }
        }
        let [corpus, transom, groups @ ..] = plain.as_slice() else {
            bail!("the corpus and the program are missing");
        };
        // Some commands run in other folders.
        let corpus = std::path::absolute(corpus)?;
        ensure!(corpus.is_dir(), "there is no folder {}", corpus.display());
        Ok(Self {
            work: corpus.with_file_name(format!("bench-work-{}", std::process::id())),
            corpus,
            transom: std::path::absolute(transom)?,
            clients: clients.map(std::path::absolute).transpose()?,
            is_quick,
            is_large,
            out: out.context("--out is missing")?,
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        })
    }

    /// How often something is measured.
    pub(crate) fn rounds(&self, rounds: usize) -> usize {
        match self.is_quick {
            true => rounds.min(2),
            false => rounds,
        }
    }

    /// How often what unpacks thousands of files is measured: it takes long, and so does removing them.
    pub(crate) fn few(&self) -> usize {
        match self.is_quick {
            true => 1,
            false => 2,
        }
    }

    /// A path below the folder for what is made.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    /// A file of the corpus.
    pub(crate) fn corpus(&self, name: &str) -> PathBuf {
        self.corpus.join(name)
    }

    /// The tar of the layer that most is measured with; `.gz` and `.zst` are beside it.
    pub(crate) fn layer(&self, ending: &str) -> PathBuf {
        let name = match self.is_quick {
            true => "small-files",
            false => "layer",
        };
        self.corpus(&format!("{name}.tar{ending}"))
    }

    /// The same layer for an image.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn layer_blob(&self, ending: &str) -> Result<Blob> {
        Blob::of(&self.layer(ending), &self.layer(""))
    }

    /// A folder into which the layer is unpacked; the groups that only read it share it.
    ///
    /// # Errors
    /// If it cannot be unpacked.
    pub(crate) fn unpacked(&self) -> Result<PathBuf> {
        let folder = self.at("unpacked");
        if !folder.exists() {
            let part = crate::files::fresh(&self.at("unpacked.part"))?;
            crate::measure::run(&mut tar("tar", &self.layer(""), &part)?)?;
            std::fs::rename(part, &folder)?;
        }
        Ok(folder)
    }

    /// Each package of the corpus as a layer of its own.
    ///
    /// # Errors
    /// If the corpus cannot be listed or read.
    pub(crate) fn packages(&self) -> Result<Vec<PathBuf>> {
        let mut packages = Vec::new();
        for entry in self.corpus.read_dir()? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("package-") && name.ends_with(".tar") {
                packages.push(path);
            }
        }
        packages.sort();
        ensure!(!packages.is_empty(), "the corpus has no single packages");
        Ok(packages)
    }

    /// The store at a root.
    pub(crate) fn store(&self, root: &Path) -> Store {
        Store {
            program: self.transom.clone(),
            root: root.to_owned(),
        }
    }
}

/// The program, with one root.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    program: PathBuf,
    /// Its folder.
    pub(crate) root: PathBuf,
}

impl Store {
    /// A command of the program on this root.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--quiet").arg("--root").arg(&self.root);
        command.args(arguments);
        command
    }

    /// `transom load` of a layout.
    pub(crate) fn load(&self, layout: &Path) -> Command {
        let mut command = self.command(&["load", "--drop-compressed"]);
        command.arg(layout);
        command
    }

    /// Bytes of what `df` lists under a key.
    ///
    /// # Errors
    /// If it fails, or lists no such thing.
    pub(crate) fn bytes_of(&self, key: &str) -> Result<u64> {
        let text = crate::measure::text(&mut self.command(&["df", "--json"]))?;
        let usage: serde_json::Value = serde_json::from_str(&text)?;
        usage[key]
            .as_u64()
            .with_context(|| format!("df has no {key}"))
    }

    /// Where the tar of its only layer is.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn only_tar(&self) -> Result<PathBuf> {
        let files = crate::files::below(&self.root)?;
        let tar = files.iter().find(|path| path.ends_with("layer.tar"));
        Ok(self.root.join(tar.context("the store has no tar")?))
    }
}
