//! Reads fields of JSON documents as Go's `encoding/json` would: keys match without regard to case.
//!
//! Real configs need it (some of Microsoft's spell `rootfS`). An exact key wins over the others, of
//! several inexact ones the last; `null` counts as absent; a wrong type is an error.

use serde_json::{Map, Value};
use transom_layer::{BlobDigest, DiffId, DigestError};

/// Largest manifest, config or index that is read, in bytes: what registries take (OCI distribution
/// specification, "Pushing Manifests").
pub const MAX_DOCUMENT: u64 = 4 << 20;

/// Why a JSON document is refused.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It is longer than [`MAX_DOCUMENT`].
    #[error("{document} is {size} bytes long, at most {MAX_DOCUMENT} are read")]
    TooLong {
        /// Which document.
        document: String,
        /// Its length in bytes.
        size: u64,
    },
    /// It is not JSON, or nested too deeply.
    #[error("{document} is not JSON: {source}")]
    Syntax {
        /// Which document.
        document: String,
        /// What the parser said, with line and column.
        source: serde_json::Error,
    },
    /// A field that must be there is not.
    #[error("{document} has no field {field}")]
    Missing {
        /// Which document.
        document: String,
        /// Path of the field.
        field: String,
    },
    /// A field has another type than the specification says.
    #[error("{document}: field {field} is {found}, expected {expected}")]
    Type {
        /// Which document.
        document: String,
        /// Path of the field.
        field: String,
        /// The type it should have.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A field should hold a digest and does not.
    #[error("{document}: field {field}: {source}")]
    Digest {
        /// Which document.
        document: String,
        /// Path of the field.
        field: String,
        /// What is wrong with it.
        source: DigestError,
    },
    /// A list is longer than any real one.
    #[error("{document}: field {field} has {found} elements, at most {limit} are read")]
    TooMany {
        /// Which document.
        document: String,
        /// Path of the field.
        field: String,
        /// The limit.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// The document can be read as two different kinds, and readers would disagree on what it says.
    #[error("{document} has both {first} and {second}: it is ambiguous")]
    Ambiguous {
        /// Which document.
        document: String,
        /// A field of the one kind.
        first: &'static str,
        /// A field of the other.
        second: &'static str,
    },
    /// The document's own media type is not the one by which it was found.
    #[error("{document} says it is {found:?}, its descriptor says {expected:?}")]
    MediaType {
        /// Which document.
        document: String,
        /// The descriptor's media type.
        expected: String,
        /// The document's.
        found: String,
    },
}

/// Parses a document. Nesting is limited to 128 levels.
pub(crate) fn parse(document: &str, bytes: &[u8]) -> Result<Value, JsonError> {
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(JsonError::TooLong {
            document: document.to_owned(),
            size: bytes.len() as u64,
        });
    }
    serde_json::from_slice(bytes).map_err(|source| JsonError::Syntax {
        document: document.to_owned(),
        source,
    })
}

/// Finds the value of a key in Go's way; `None` if there is none or it is `null`.
pub(crate) fn find<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    key_of(map, name)
        .and_then(|key| map.get(key))
        .filter(|value| !value.is_null())
}

/// Finds how a key is spelt in the map.
pub(crate) fn key_of<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a String> {
    map.keys()
        .find(|key| *key == name)
        .or_else(|| map.keys().rfind(|key| key.eq_ignore_ascii_case(name)))
}

/// An object inside a document, with its place for error messages.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    document: &'a str,
    place: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// Takes a whole document, which must be an object.
    pub(crate) fn of(document: &'a str, value: &'a Value) -> Result<Self, JsonError> {
        Self::at(document, String::new(), value)
    }

    /// Takes the object at `place`.
    pub(crate) fn at(
        document: &'a str,
        place: String,
        value: &'a Value,
    ) -> Result<Self, JsonError> {
        match value {
            Value::Object(map) => Ok(Self {
                document,
                place,
                map,
            }),
            other => Err(wrong_type(document, place, "an object", other)),
        }
    }

    pub(crate) fn document(&self) -> &'a str {
        self.document
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        find(self.map, name).is_some()
    }

    fn field(&self, name: &str) -> String {
        match self.place.as_str() {
            "" => name.escape_debug().to_string(),
            place => format!("{place}.{}", name.escape_debug()),
        }
    }

    fn wrong(&self, name: &str, expected: &'static str, found: &Value) -> JsonError {
        wrong_type(self.document, self.field(name), expected, found)
    }

    fn missing(&self, name: &str) -> JsonError {
        JsonError::Missing {
            document: self.document.to_owned(),
            field: self.field(name),
        }
    }

    /// Returns a text; empty if it is absent.
    pub(crate) fn text(&self, name: &str) -> Result<String, JsonError> {
        match find(self.map, name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(self.wrong(name, "a string", other)),
        }
    }

    /// Returns a text, which must be there.
    pub(crate) fn required_text(&self, name: &str) -> Result<String, JsonError> {
        if !self.has(name) {
            return Err(self.missing(name));
        }
        self.text(name)
    }

    /// Returns a truth value; false if it is absent.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, JsonError> {
        match find(self.map, name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong(name, "true or false", other)),
        }
    }

    /// Returns a length in bytes, which must be there.
    pub(crate) fn size(&self, name: &str) -> Result<u64, JsonError> {
        let value = find(self.map, name).ok_or_else(|| self.missing(name))?;
        // Go keeps sizes in an int64.
        value
            .as_u64()
            .filter(|size| i64::try_from(*size).is_ok())
            .ok_or_else(|| self.wrong(name, "a length in bytes", value))
    }

    /// Returns a digest, which must be there.
    pub(crate) fn digest(&self, name: &str) -> Result<BlobDigest, JsonError> {
        let value = find(self.map, name).ok_or_else(|| self.missing(name))?;
        let Value::String(text) = value else {
            return Err(self.wrong(name, "a digest", value));
        };
        text.parse().map_err(|source| JsonError::Digest {
            document: self.document.to_owned(),
            field: self.field(name),
            source,
        })
    }

    fn list(&self, name: &str, limit: usize) -> Result<&'a [Value], JsonError> {
        match find(self.map, name) {
            None => Ok(&[]),
            Some(Value::Array(list)) if list.len() > limit => Err(JsonError::TooMany {
                document: self.document.to_owned(),
                field: self.field(name),
                limit,
                found: list.len(),
            }),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(self.wrong(name, "a list", other)),
        }
    }

    /// Returns a list of texts; empty if it is absent.
    pub(crate) fn texts(&self, name: &str, limit: usize) -> Result<Vec<String>, JsonError> {
        let text = |(position, value): (usize, &Value)| match value {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.wrong(&format!("{name}[{position}]"), "a string", other)),
        };
        self.list(name, limit)?
            .iter()
            .enumerate()
            .map(text)
            .collect()
    }

    /// Returns a list of layer digests; empty if it is absent.
    pub(crate) fn diff_ids(&self, name: &str, limit: usize) -> Result<Vec<DiffId>, JsonError> {
        let parse = |(position, text): (usize, String)| {
            text.parse().map_err(|source| JsonError::Digest {
                document: self.document.to_owned(),
                field: self.field(&format!("{name}[{position}]")),
                source,
            })
        };
        self.texts(name, limit)?
            .into_iter()
            .enumerate()
            .map(parse)
            .collect()
    }

    /// Returns the object at a key; `None` if it is absent.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, JsonError> {
        find(self.map, name)
            .map(|value| Self::at(self.document, self.field(name), value))
            .transpose()
    }

    /// Returns the object at a key, which must be there.
    pub(crate) fn required(&self, name: &str) -> Result<Self, JsonError> {
        self.object(name)?.ok_or_else(|| self.missing(name))
    }

    /// Returns a list of objects; empty if it is absent.
    pub(crate) fn objects(&self, name: &str, limit: usize) -> Result<Vec<Self>, JsonError> {
        let list = self.list(name, limit)?.iter().enumerate();
        list.map(|(position, value)| {
            Self::at(
                self.document,
                format!("{}[{position}]", self.field(name)),
                value,
            )
        })
        .collect()
    }

    /// Returns the pairs of a map from text to text; empty if it is absent.
    pub(crate) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, JsonError> {
        let Some(fields) = self.object(name)? else {
            return Ok(Vec::new());
        };
        let pair = |(key, value): (&String, &Value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            other => Err(fields.wrong(key, "a string", other)),
        };
        fields.map.iter().map(pair).collect()
    }
}

/// Names the type of a value, or the value itself if it is a number.
pub(crate) fn wrong_type(
    document: &str,
    field: String,
    expected: &'static str,
    found: &Value,
) -> JsonError {
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    let field = if field.is_empty() {
        "(the whole)".to_owned()
    } else {
        field
    };
    JsonError::Type {
        document: document.to_owned(),
        field,
        expected,
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_exact_key_wins_and_of_inexact_ones_the_last() {
        for (value, expected) in [
            (json!({"rootfs": "a", "rootfS": "b"}), "a"),
            (json!({"rootfS": "b", "rootfs": "a"}), "a"),
            (json!({"ROOTFS": "c", "rootfS": "b"}), "b"),
        ] {
            let fields = Fields::of("config", &value).unwrap();
            assert_eq!(fields.text("rootfs").unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn null_counts_as_absent() {
        let value = json!({"text": null, "list": null, "object": null, "size": null});
        let fields = Fields::of("config", &value).unwrap();
        assert_eq!(fields.text("text").unwrap(), "");
        assert_eq!(fields.texts("list", 10).unwrap().len(), 0);
        assert!(fields.object("object").unwrap().is_none());
        assert!(matches!(
            fields.size("size"),
            Err(JsonError::Missing { .. })
        ));
    }

    #[test]
    fn sizes_are_whole_numbers_that_fit_63_bits() {
        for (value, valid) in [
            (json!(0), true),
            (json!(i64::MAX), true),
            (json!(u64::MAX), false),
            (json!(-1), false),
            (json!(1.0), false),
            (json!("1"), false),
        ] {
            let object = json!({ "size": value });
            let fields = Fields::of("x", &object).unwrap();
            assert_eq!(fields.size("size").is_ok(), valid, "{object}");
        }
    }

    #[test]
    fn an_error_says_where_it_lies() {
        let value = json!({"layers": [{"size": 1}, {"size": "1"}]});
        let fields = Fields::of("manifest", &value).unwrap();
        let layers = fields.objects("layers", 10).unwrap();
        let error = layers[1].size("size").unwrap_err().to_string();
        assert_eq!(
            error,
            "manifest: field layers[1].size is a string, expected a length in bytes"
        );
    }

    #[test]
    fn nesting_and_length_are_limited() {
        let deep = "[".repeat(100_000);
        assert!(matches!(
            parse("x", deep.as_bytes()),
            Err(JsonError::Syntax { .. })
        ));
        let long = vec![b' '; MAX_DOCUMENT as usize + 1];
        assert!(matches!(parse("x", &long), Err(JsonError::TooLong { .. })));
        let value = json!({"list": [1, 2, 3]});
        let fields = Fields::of("x", &value).unwrap();
        assert!(matches!(
            fields.texts("list", 2),
            Err(JsonError::TooMany { .. })
        ));
    }
}
