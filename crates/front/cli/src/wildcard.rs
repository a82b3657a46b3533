//! Matching names against `*` and `?`, in any case where the names are Windows'.

use transom_layer::Names;
use transom_ntmeta::name;

/// A pattern of a name.
#[derive(Debug)]
pub(crate) struct Wildcard {
    names: Names,
    pattern: Vec<u16>,
}

const STAR: u16 = b'*' as u16;
const QUESTION: u16 = b'?' as u16;

impl Wildcard {
    pub(crate) fn new(pattern: &str, names: Names) -> Self {
        Self {
            names,
            pattern: units(pattern.as_bytes(), names),
        }
    }

    /// Says whether a text has anything to match in it.
    pub(crate) fn is_pattern(text: &str) -> bool {
        text.contains(['*', '?'])
    }

    /// Says whether the whole name matches.
    pub(crate) fn matches(&self, name: &[u8]) -> bool {
        let name = units(name, self.names);
        let (mut at, mut in_pattern) = (0, 0);
        // Where to go on when what follows the last star does not match: never further back.
        let mut last_star: Option<(usize, usize)> = None;
        while at < name.len() {
            match self.pattern.get(in_pattern) {
                Some(&STAR) => {
                    last_star = Some((at, in_pattern + 1));
                    in_pattern += 1;
                }
                Some(&unit) if unit == QUESTION || unit == name[at] => {
                    at += 1;
                    in_pattern += 1;
                }
                _ => match &mut last_star {
                    Some((from, after)) => {
                        *from += 1;
                        (at, in_pattern) = (*from, *after);
                    }
                    None => return false,
                },
            }
        }
        self.pattern[in_pattern..].iter().all(|unit| *unit == STAR)
    }
}

fn units(text: &[u8], names: Names) -> Vec<u16> {
    match names {
        Names::Windows => {
            let mut units = Vec::with_capacity(text.len());
            name::fold_into(text, &mut units);
            units
        }
        Names::Posix => text.iter().map(|byte| u16::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_whole_names() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*.dll", "KERNEL32.DLL", true),
            ("*.dll", "a.dll.mui", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyyd", false),
            ("?.txt", "ä.txt", true),
            ("?.txt", "ab.txt", false),
            ("ÜBER*", "über.txt", true),
            ("", "a", false),
            ("***", "abc", true),
        ] {
            let matches = Wildcard::new(pattern, Names::Windows).matches(name.as_bytes());
            assert_eq!(matches, expected, "{pattern} {name}");
        }
        assert!(!Wildcard::new("*.DLL", Names::Posix).matches(b"a.dll"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!Wildcard::new(&pattern, Names::Windows).matches("a".repeat(5000).as_bytes()));
    }
}
