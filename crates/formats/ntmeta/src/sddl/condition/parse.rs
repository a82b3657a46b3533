//! Conditions from SDDL text to tokens.

use super::{
    AND, ATTRIBUTES, COMPOSITE, EXISTENCES, INT64, MEMBERSHIPS, NOT, OCTETS, OR, RELATIONS, SID,
    SIGN_MINUS, SIGN_NONE, SIGN_PLUS, SIGNATURE, STRING, is_plain_name_char,
};
use crate::sddl::fields::c_number;
use crate::sddl::parse::Parser;
use crate::sddl::{MAX_CONDITION_DEPTH, SddlError};

impl Parser<'_, '_> {
    /// Reads a condition in parentheses and returns its binary form without padding.
    pub(in crate::sddl) fn condition(&mut self) -> Result<Vec<u8>, SddlError> {
        self.skip_blanks();
        if !self.take("(") {
            return Err(self.expected("a condition in parentheses"));
        }
        let mut tokens = SIGNATURE.to_vec();
        self.any_of(&mut tokens, 0)?;
        self.close()?;
        self.skip_blanks();
        Ok(tokens)
    }

    fn any_of(&mut self, tokens: &mut Vec<u8>, depth: usize) -> Result<(), SddlError> {
        self.all_of(tokens, depth)?;
        while self.operator("||") {
            self.all_of(tokens, depth)?;
            tokens.push(OR);
        }
        Ok(())
    }

    fn all_of(&mut self, tokens: &mut Vec<u8>, depth: usize) -> Result<(), SddlError> {
        self.single(tokens, depth)?;
        while self.operator("&&") {
            self.single(tokens, depth)?;
            tokens.push(AND);
        }
        Ok(())
    }

    fn single(&mut self, tokens: &mut Vec<u8>, depth: usize) -> Result<(), SddlError> {
        if depth >= MAX_CONDITION_DEPTH {
            return Err(SddlError::TooDeep);
        }
        if self.operator("!") {
            self.single(tokens, depth + 1)?;
            tokens.push(NOT);
            Ok(())
        } else if self.operator("(") {
            self.any_of(tokens, depth + 1)?;
            self.close()
        } else {
            self.term(tokens)
        }
    }

    fn term(&mut self, tokens: &mut Vec<u8>) -> Result<(), SddlError> {
        if let Some(code) = self.keyword(&MEMBERSHIPS) {
            self.skip_blanks();
            if self.rest().starts_with('{') {
                self.composite(tokens)?;
            } else {
                self.sid_literal(tokens)?;
            }
            tokens.push(code);
            return Ok(());
        }
        if let Some(code) = self.keyword(&EXISTENCES) {
            self.attribute(tokens)?;
            tokens.push(code);
            return Ok(());
        }
        self.attribute(tokens)?;
        let symbol = RELATIONS.iter().find(|(symbol, _)| {
            symbol.starts_with(|c: char| c.is_ascii_punctuation()) && self.operator(symbol)
        });
        let relation = symbol
            .map(|(_, code)| *code)
            .or_else(|| self.keyword(&RELATIONS));
        // An attribute alone is a condition too.
        let Some(code) = relation else { return Ok(()) };
        self.skip_blanks();
        match self.rest().chars().next() {
            Some('{') => self.composite(tokens)?,
            Some('"' | '#' | '+' | '-' | '0'..='9') => self.literal(tokens)?,
            _ if self.is_sid_literal() => self.literal(tokens)?,
            _ => self.attribute(tokens)?,
        }
        tokens.push(code);
        Ok(())
    }

    fn composite(&mut self, tokens: &mut Vec<u8>) -> Result<(), SddlError> {
        let mut members = Vec::new();
        if !self.operator("{") {
            return Err(self.expected("`{`"));
        }
        if !self.operator("}") {
            loop {
                self.skip_blanks();
                self.literal(&mut members)?;
                if self.operator("}") {
                    break;
                }
                if !self.operator(",") {
                    return Err(self.expected("`,` or `}`"));
                }
            }
        }
        counted(tokens, COMPOSITE, &members)
    }

    fn literal(&mut self, tokens: &mut Vec<u8>) -> Result<(), SddlError> {
        match self.rest().chars().next() {
            Some('"') => {
                let text = self.quoted()?;
                counted(tokens, STRING, &utf16(text))
            }
            Some('#') => {
                let octets = self.octets()?;
                counted(tokens, OCTETS, &octets)
            }
            Some('+' | '-' | '0'..='9') => self.integer(tokens),
            _ => self.sid_literal(tokens),
        }
    }

    /// Reads a string in quotation marks, which cannot hold one.
    pub(in crate::sddl) fn quoted(&mut self) -> Result<&str, SddlError> {
        if !self.take("\"") {
            return Err(self.expected("a string in quotation marks"));
        }
        let (_, text) = self.take_until(&['"']);
        if !self.take("\"") {
            return Err(self.expected("`\"`"));
        }
        Ok(text)
    }

    /// Reads `#` and pairs of hexadecimal digits.
    pub(in crate::sddl) fn octets(&mut self) -> Result<Vec<u8>, SddlError> {
        if !self.take("#") {
            return Err(self.expected("`#` and hexadecimal digits"));
        }
        let at = self.at;
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(rest.len());
        self.at += end;
        let digits = rest.get(..end).unwrap_or_default().as_bytes();
        let (pairs, []) = digits.as_chunks::<2>() else {
            return Err(SddlError::Syntax {
                at,
                expected: "an even number of hexadecimal digits",
            });
        };
        let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
        Ok(pairs
            .iter()
            .map(|&[high, low]| value(high) << 4 | value(low))
            .collect())
    }

    fn integer(&mut self, tokens: &mut Vec<u8>) -> Result<(), SddlError> {
        let at = self.at;
        let sign = match self.rest().as_bytes().first() {
            Some(b'+') => SIGN_PLUS,
            Some(b'-') => SIGN_MINUS,
            _ => SIGN_NONE,
        };
        self.at += usize::from(sign != SIGN_NONE);
        let digits = self.alphanumerics();
        let number = || SddlError::Number {
            at,
            found: digits.to_owned(),
        };
        let (magnitude, base) = c_number(digits).ok_or_else(number)?;
        let value = if sign == SIGN_MINUS {
            0i64.checked_sub_unsigned(magnitude)
        } else {
            i64::try_from(magnitude).ok()
        };
        tokens.push(INT64);
        tokens.extend(value.ok_or_else(number)?.to_le_bytes());
        tokens.extend([sign, base as u8]);
        Ok(())
    }

    /// Takes letters and digits.
    pub(in crate::sddl) fn alphanumerics(&mut self) -> &str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn is_sid_literal(&self) -> bool {
        const START: &str = "SID(";
        self.rest()
            .get(..START.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(START))
    }

    /// Reads `SID(…)` and returns the SID's bytes.
    pub(in crate::sddl) fn sid_in_parentheses(&mut self) -> Result<Vec<u8>, SddlError> {
        if !self.is_sid_literal() {
            return Err(self.expected("a literal"));
        }
        self.at += "SID(".len();
        let (at, field) = self.take_until(&[')']);
        let sid = self.sid(at, field)?;
        self.close()?;
        Ok(sid)
    }

    fn sid_literal(&mut self, tokens: &mut Vec<u8>) -> Result<(), SddlError> {
        let sid = self.sid_in_parentheses()?;
        counted(tokens, SID, &sid)
    }

    fn attribute(&mut self, tokens: &mut Vec<u8>) -> Result<(), SddlError> {
        self.skip_blanks();
        let rest = self.rest();
        let kind = ATTRIBUTES.iter().find(|(prefix, _)| {
            rest.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        });
        // The last kind has no prefix, so one is always found.
        let &(prefix, code) = kind.unwrap_or(&("", 0xF8));
        self.at += prefix.len();
        let name = self.attribute_name()?;
        counted(tokens, code, &name)
    }

    fn attribute_name(&mut self) -> Result<Vec<u8>, SddlError> {
        let mut name = Vec::new();
        loop {
            let rest = self.rest();
            if let Some(escaped) = rest.strip_prefix('%') {
                let digits = escaped
                    .get(..4)
                    .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                    .and_then(|digits| u16::from_str_radix(digits, 16).ok());
                let Some(unit) = digits else {
                    return Err(self.expected("four hexadecimal digits after `%`"));
                };
                name.extend(unit.to_le_bytes());
                self.at += 5;
                continue;
            }
            let end = rest.find(|c| !is_plain_name_char(c)).unwrap_or(rest.len());
            if end == 0 {
                break;
            }
            name.extend(utf16(&rest[..end]));
            self.at += end;
        }
        if name.is_empty() {
            return Err(self.expected("an attribute name"));
        }
        Ok(name)
    }

    /// Takes one of the words, in any case, if it stands here as a whole.
    fn keyword(&mut self, words: &[(&str, u8)]) -> Option<u8> {
        self.skip_blanks();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !is_plain_name_char(c) && c != '%')
            .unwrap_or(rest.len());
        let word = rest.get(..end)?;
        let (_, code) = words
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word))?;
        self.at += end;
        Some(*code)
    }

    /// Takes the symbol, and blanks before it.
    pub(in crate::sddl) fn operator(&mut self, symbol: &str) -> bool {
        self.skip_blanks();
        self.take(symbol)
    }

    fn close(&mut self) -> Result<(), SddlError> {
        if self.operator(")") {
            Ok(())
        } else {
            Err(self.expected("`)`"))
        }
    }

    pub(in crate::sddl) fn skip_blanks(&mut self) {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.at += rest.len() - trimmed.len();
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Appends a token that has its length before its content.
fn counted(tokens: &mut Vec<u8>, code: u8, content: &[u8]) -> Result<(), SddlError> {
    const LIMIT: usize = u16::MAX as usize;
    if content.len() > LIMIT {
        return Err(SddlError::TooLarge {
            what: "literal in a condition",
            found: content.len(),
            limit: LIMIT,
        });
    }
    tokens.push(code);
    tokens.extend((content.len() as u32).to_le_bytes());
    tokens.extend(content);
    Ok(())
}
