//! Calls that go wrong on purpose, each once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use transom_windows::HResult;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It fails with a code and does nothing.
    Fail(HResult),
    /// It does its work and then fails.
    FailAfter(HResult),
    /// It does not return for an hour, does nothing, and then fails.
    Hang,
    /// The process ends at once, with nothing done.
    Die,
    /// The process ends when the work is done.
    DieAfter,
}

/// Says which call is to go wrong, and how. It holds for one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Name of the function, as in the log.
    pub call: String,
    /// How many calls of it are spared first.
    pub skip: u64,
    /// What becomes of the one after them.
    pub action: Action,
}

impl Rule {
    /// Makes one for the next call of a function.
    pub fn next(call: &str, action: Action) -> Self {
        Self {
            call: call.to_owned(),
            skip: 0,
            action,
        }
    }

    fn to_json(&self) -> Value {
        let (action, code) = match self.action {
            Action::Fail(code) => ("fail", Some(code.0)),
            Action::FailAfter(code) => ("fail-after", Some(code.0)),
            Action::Hang => ("hang", None),
            Action::Die => ("die", None),
            Action::DieAfter => ("die-after", None),
        };
        let mut rule = json!({"call": self.call, "skip": self.skip, "action": action});
        if let (Some(code), Some(rule)) = (code, rule.as_object_mut()) {
            rule.insert("code".to_owned(), code.into());
        }
        rule
    }

    fn from_json(rule: &Value) -> Option<Self> {
        let code = rule.get("code").and_then(Value::as_u64);
        let code = code.and_then(|code| u32::try_from(code).ok());
        let code = code.map_or(HResult::from_win32(HResult::GEN_FAILURE.0), HResult);
        Some(Self {
            call: rule.get("call")?.as_str()?.to_owned(),
            skip: rule.get("skip").and_then(Value::as_u64).unwrap_or(0),
            action: match rule.get("action")?.as_str()? {
                "fail" => Action::Fail(code),
                "fail-after" => Action::FailAfter(code),
                "hang" => Action::Hang,
                "die" => Action::Die,
                "die-after" => Action::DieAfter,
                _ => return None,
            },
        })
    }
}

/// The rules that have not fired yet, one a line.
#[derive(Debug)]
pub(super) struct Faults {
    path: PathBuf,
}

impl Faults {
    pub(super) fn new(state: &Path) -> Self {
        Self {
            path: state.join("control"),
        }
    }

    pub(super) fn add(&self, rule: &Rule) -> io::Result<()> {
        let mut rules = self.read()?;
        rules.push(rule.clone());
        self.write(&rules)
    }

    pub(super) fn clear(&self) -> io::Result<()> {
        self.write(&[])
    }

    /// Counts a call, and returns what is to become of it.
    pub(super) fn take(&self, call: &str) -> io::Result<Option<Action>> {
        let mut rules = self.read()?;
        if !rules.iter().any(|rule| rule.call == call) {
            return Ok(None);
        }
        let mut fired = None;
        rules.retain_mut(|rule| {
            if rule.call != call {
                return true;
            }
            match rule.skip.checked_sub(1) {
                Some(left) => rule.skip = left,
                None if fired.is_none() => {
                    fired = Some(rule.action);
                    return false;
                }
                None => {}
            }
            true
        });
        self.write(&rules)?;
        Ok(fired)
    }

    fn read(&self) -> io::Result<Vec<Rule>> {
        let text = match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let parse = |line: &str| {
            let rule = serde_json::from_str(line).ok();
            rule.as_ref().and_then(Rule::from_json).ok_or_else(|| {
                let what = format!("{} has no rule in {line:?}", self.path.display());
                io::Error::new(io::ErrorKind::InvalidData, what)
            })
        };
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(parse).collect()
    }

    fn write(&self, rules: &[Rule]) -> io::Result<()> {
        let lines = rules.iter().map(|rule| format!("{}\n", rule.to_json()));
        fs::write(&self.path, lines.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_fires_once_after_the_calls_it_spares() {
        let state = tempfile::tempdir().expect("makes a folder");
        let faults = Faults::new(state.path());
        let code = HResult(0x8007_0015);
        let rules = [
            Rule::next("PrepareLayer", Action::Fail(code)),
            Rule {
                skip: 2,
                ..Rule::next("PrepareLayer", Action::DieAfter)
            },
            Rule::next("NameToGuid", Action::Hang),
        ];
        for rule in &rules {
            faults.add(rule).expect("writes");
        }
        let take = |call| faults.take(call).expect("reads");
        assert_eq!(take("ActivateLayer"), None);
        assert_eq!(take("PrepareLayer"), Some(Action::Fail(code)));
        assert_eq!(take("PrepareLayer"), None);
        assert_eq!(take("PrepareLayer"), Some(Action::DieAfter));
        assert_eq!(take("PrepareLayer"), None);
        assert_eq!(take("NameToGuid"), Some(Action::Hang));
        assert_eq!(faults.read().expect("reads"), []);
    }
}
