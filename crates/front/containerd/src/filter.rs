//! The filters by which clients choose snapshots (containerd, pkg/filters).
//!
//! ```text
//!  filter   = selector ("," selector)*            all of them must match
//!  selector = path [operator value]               without an operator: there is such a field
//!  path     = field ("." field)*                  name, parent, kind, labels.NAME
//!  operator = "==" | "!=" | "~="                  equal, not equal, regular expression
//!  field    = quoted | letters, digits, "_", "-"
//!  value    = quoted | anything but "," and spaces
//! ```

use regex::Regex;
use transom_sealed::Snapshot;

/// Most bytes that the program of a regular expression may take.
const REGEX_SIZE: usize = 1 << 20;

/// What chooses snapshots.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    selectors: Vec<Selector>,
}

/// A filter that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter {filter:?}, byte {at}: {problem}")]
pub struct FilterError {
    /// The filter.
    pub filter: String,
    /// Where in it.
    pub at: usize,
    /// What is wrong there.
    pub problem: String,
}

#[derive(Debug, Clone)]
struct Selector {
    path: Vec<String>,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Present,
    Equal(String),
    NotEqual(String),
    Matches(Regex),
}

impl Filter {
    /// Reads a filter; an empty one lets everything through.
    ///
    /// # Errors
    /// [`FilterError`] says what is wrong, and where.
    pub fn parse(filter: &str) -> Result<Self, FilterError> {
        let mut parser = Parser { filter, at: 0 };
        let mut selectors = Vec::new();
        parser.skip_spaces();
        while parser.at < filter.len() {
            selectors.push(parser.selector()?);
            parser.skip_spaces();
            if parser.at == filter.len() {
                break;
            }
            parser.expect(',')?;
            parser.skip_spaces();
            if parser.at == filter.len() {
                return Err(parser.wrong("a selector is missing behind the comma"));
            }
        }
        Ok(Self { selectors })
    }

    /// Says whether it lets a snapshot through.
    pub fn matches(&self, snapshot: &Snapshot) -> bool {
        self.selectors.iter().all(|selector| {
            let field = field(snapshot, &selector.path);
            // As containerd's: what is not there is an empty word.
            let value = field.unwrap_or_default();
            match &selector.test {
                Test::Present => field.is_some(),
                Test::Equal(wanted) => field.is_some() && value == wanted,
                Test::NotEqual(other) => value != other,
                Test::Matches(regex) => regex.is_match(value),
            }
        })
    }
}

fn field<'a>(snapshot: &'a Snapshot, path: &[String]) -> Option<&'a str> {
    let (first, rest) = path.split_first()?;
    match (first.as_str(), rest) {
        ("name", []) => Some(&snapshot.key),
        ("parent", []) => Some(snapshot.parent.as_deref().unwrap_or_default()),
        ("kind", []) => Some(snapshot.kind.as_str()),
        ("labels", [_, ..]) => snapshot.labels.get(&rest.join(".")).map(String::as_str),
        _ => None,
    }
}

struct Parser<'a> {
    filter: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn selector(&mut self) -> Result<Selector, FilterError> {
        let mut path = vec![self.field()?];
        while self.peek() == Some('.') {
            self.at += 1;
            path.push(self.field()?);
        }
        self.skip_spaces();
        let rest = &self.filter[self.at..];
        let Some(operator) = ["==", "!=", "~="]
            .into_iter()
            .find(|operator| rest.starts_with(operator))
        else {
            let test = Test::Present;
            return Ok(Selector { path, test });
        };
        self.at += operator.len();
        self.skip_spaces();
        let start = self.at;
        let value = self.value(operator == "~=")?;
        let test = match operator {
            "==" => Test::Equal(value),
            "!=" => Test::NotEqual(value),
            _ => {
                let regex = regex::RegexBuilder::new(&value)
                    .size_limit(REGEX_SIZE)
                    .build();
                Test::Matches(regex.map_err(|error| {
                    self.at = start;
                    self.wrong(&error.to_string())
                })?)
            }
        };
        Ok(Selector { path, test })
    }

    fn field(&mut self) -> Result<String, FilterError> {
        if self.peek() == Some('"') {
            return self.quoted('"');
        }
        let rest = &self.filter[self.at..];
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.wrong("the name of a field is missing"));
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    fn value(&mut self, is_regex: bool) -> Result<String, FilterError> {
        match self.peek() {
            Some('"') => return self.quoted('"'),
            // Regular expressions are full of backslashes, so other quotes are taken for them.
            Some(quote @ ('/' | '|')) if is_regex => return self.quoted(quote),
            _ => {}
        }
        let rest = &self.filter[self.at..];
        let is_end = |letter: char| letter == ',' || letter.is_whitespace();
        let end = rest.find(is_end).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.wrong("a value is missing"));
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    /// Reads a quoted word. In double quotes a backslash begins an escape of Go's; in others it stands for itself,
    /// except before the quote.
    fn quoted(&mut self, quote: char) -> Result<String, FilterError> {
        let start = self.at;
        self.at += 1;
        let mut word = String::new();
        loop {
            match self.next() {
                None => {
                    self.at = start;
                    return Err(self.wrong("a quote is not closed"));
                }
                Some(letter) if letter == quote => return Ok(word),
                Some('\\') if quote == '"' => word.push(self.escape()?),
                Some('\\') if self.peek() == Some(quote) => {
                    self.at += 1;
                    word.push(quote);
                }
                Some(letter) => word.push(letter),
            }
        }
    }

    fn escape(&mut self) -> Result<char, FilterError> {
        let digits = match self.next() {
            Some(letter @ ('"' | '\\' | '\'')) => return Ok(letter),
            Some('n') => return Ok('\n'),
            Some('t') => return Ok('\t'),
            Some('r') => return Ok('\r'),
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => return Err(self.wrong("an escape that is not known")),
        };
        let end = self.at + digits;
        let code = self.filter.get(self.at..end).and_then(|digits| {
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let code = is_hex.then(|| u32::from_str_radix(digits, 16).ok())?;
            char::from_u32(code?)
        });
        let Some(letter) = code else {
            return Err(self.wrong("an escape that is no letter"));
        };
        self.at = end;
        Ok(letter)
    }

    fn peek(&self) -> Option<char> {
        self.filter[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn skip_spaces(&mut self) {
        let rest = &self.filter[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn expect(&mut self, wanted: char) -> Result<(), FilterError> {
        match self.peek() {
            Some(letter) if letter == wanted => {
                self.at += letter.len_utf8();
                Ok(())
            }
            _ => Err(self.wrong(&format!("{wanted:?} is missing"))),
        }
    }

    fn wrong(&self, problem: &str) -> FilterError {
        FilterError {
            filter: self.filter.to_owned(),
            at: self.at,
            problem: problem.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
