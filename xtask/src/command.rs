//! Running other programs: each is printed before it runs, from the project's root.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};

/// Makes a command that will run from the project's root. Arguments are taken apart at spaces.
pub(crate) fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(crate::root());
    // cargo sets it for this program; cargo-machete takes it for a sign of being run by hand.
    command.env_remove("CARGO_PKG_NAME");
    command
}

/// Prints and runs a command; its output goes to the terminal.
///
/// # Errors
/// If it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    print(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", text(command)))?;
    check(command, status)
}

/// Runs a command without printing it and returns its output as text, whatever its exit code.
///
/// # Errors
/// If it cannot be started or its output is not UTF-8.
pub(crate) fn output_of(command: &mut Command) -> Result<(ExitStatus, String)> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", text(command)))?;
    let stdout = String::from_utf8(output.stdout)
        .with_context(|| format!("the output of {} is not UTF-8", text(command)))?;
    Ok((output.status, stdout))
}

/// Prints and runs a command and returns its output. Fails if it does.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    print(command);
    let (status, stdout) = output_of(command)?;
    check(command, status)?;
    Ok(stdout)
}

/// Prints and runs a command whose output goes to the terminal and is also returned, line by line.
///
/// # Errors
/// If it cannot be started; a failing exit code is left to the caller.
pub(crate) fn run_and_read(command: &mut Command) -> Result<(ExitStatus, Vec<String>)> {
    print(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", text(command)))?;
    let stdout = child.stdout.take().context("no pipe to read from")?;
    let stderr = child.stderr.take().context("no pipe to read from")?;
    let lines = std::thread::scope(|scope| {
        let errors = scope.spawn(|| show_lines(stderr));
        let mut lines = show_lines(stdout);
        lines.extend(errors.join().unwrap_or_default());
        lines
    });
    Ok((child.wait()?, lines))
}

fn show_lines(stream: impl Read) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(stream).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line).into_owned();
        println!("{line}");
        lines.push(line);
    }
    lines
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "{} failed: {status}", text(command));
    Ok(())
}

/// Prints a command as a person would type it.
pub(crate) fn print(command: &Command) {
    println!("$ {}", text(command));
}

fn text(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:+,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_command_can_be_typed_into_a_shell() {
        let mut command = command("cargo test");
        command.arg("a b").arg(r"C:\x").arg("it's").arg("");
        assert_eq!(text(&command), r"cargo test 'a b' 'C:\x' 'it'\''s' ''");
    }

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let error = run(&mut command("cargo no-such-command"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("cargo no-such-command failed"), "{error}");
    }
}
