//! SDDL, the text form of security descriptors (MS-DTYP 2.5.1).
//!
//! Reading accepts what Windows accepts, but refuses numbers that Windows would wrap or clamp. Writing gives
//! Windows' own spelling, and refuses every entry that its text would not bring back byte for byte.
//!
//! What SDDL cannot say about a descriptor as a whole is left out, as Windows does: the "defaulted",
//! "trusted" and "server" control bits, the resource manager's byte, flags of a list that is absent, slack.

mod claim;
mod condition;
mod fields;
mod names;
mod parse;
mod print;

#[cfg(test)]
mod tests;

use crate::security::{SecurityDescriptor, Sid};

/// Deepest nesting of a condition, in parentheses or operators.
pub const MAX_CONDITION_DEPTH: usize = 64;

/// Why text is not SDDL, or a descriptor has no SDDL form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SddlError {
    /// Something else was expected.
    #[error("SDDL at byte {at}: expected {expected}")]
    Syntax {
        /// Position in the text, in bytes.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// A section is given twice.
    #[error("SDDL at byte {at}: section {section} is given twice")]
    DuplicateSection {
        /// Position in the text, in bytes.
        at: usize,
        /// `O`, `G`, `D` or `S`.
        section: char,
    },
    /// A name is not known.
    #[error("SDDL at byte {at}: {found:?} is not a known {kind}")]
    UnknownName {
        /// Position in the text, in bytes.
        at: usize,
        /// What kind of name was expected.
        kind: &'static str,
        /// The name found.
        found: String,
    },
    /// A number is malformed or too large for its field.
    #[error("SDDL at byte {at}: {found:?} is not a number that fits")]
    Number {
        /// Position in the text, in bytes.
        at: usize,
        /// The number found.
        found: String,
    },
    /// An alias means a SID of a domain, and none was given.
    #[error("SDDL alias {alias} depends on a domain, and none is given")]
    DomainNeeded {
        /// The alias.
        alias: &'static str,
    },
    /// An entry of this type may not be in this list.
    #[error("SDDL at byte {at}: an entry of type {ace_type} may not be in the {list}")]
    WrongList {
        /// Position in the text, in bytes.
        at: usize,
        /// The type's letters.
        ace_type: &'static str,
        /// `DACL` or `SACL`.
        list: &'static str,
    },
    /// A structure does not fit its length field.
    #[error("{what} of {found} bytes, at most {limit} are allowed")]
    TooLarge {
        /// Which structure.
        what: &'static str,
        /// Its length in bytes.
        found: usize,
        /// The most that fits, in bytes.
        limit: usize,
    },
    /// A condition is nested too deeply.
    #[error("SDDL condition is nested more than {MAX_CONDITION_DEPTH} levels deep")]
    TooDeep,
    /// SDDL, or this implementation of it, has no way to say this.
    #[error("no SDDL form for {what}")]
    Unsupported {
        /// What cannot be said.
        what: String,
    },
}

/// Returns the self-relative security descriptor for SDDL text, laid out as Windows does: SACL, DACL, owner, group.
///
/// # Errors
/// Text that Windows refuses, numbers that do not fit, and aliases that depend on a domain (`DA`, `LA`, …).
pub fn from_sddl(text: &str) -> Result<Vec<u8>, SddlError> {
    parse::descriptor(text, None)
}

/// Does as [`from_sddl`], with aliases that depend on a domain taken from this one (`S-1-5-21-…` without the relative identifier).
///
/// # Errors
/// Text that Windows refuses, and numbers that do not fit.
pub fn from_sddl_in_domain(text: &str, domain: Sid<'_>) -> Result<Vec<u8>, SddlError> {
    parse::descriptor(text, Some(domain))
}

/// Returns the SDDL text of a descriptor. SIDs of a domain are written as numbers.
///
/// # Errors
/// Entries and SIDs that the text would not bring back exactly.
pub fn to_sddl(sd: &SecurityDescriptor<'_>) -> Result<String, SddlError> {
    print::descriptor(sd)
}
