//! What a registry wants before it answers: the `WWW-Authenticate` header (RFC 9110, 11.6.1).

/// One way to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Name and password with every request.
    Basic,
    /// A token from elsewhere (distribution, "token authentication").
    Bearer {
        realm: String,
        service: Option<String>,
        scopes: Vec<String>,
    },
}

/// Reads the challenges of the headers; what is neither of the two is left out.
pub(crate) fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<Challenge> {
    let mut found = Vec::new();
    for header in headers {
        let mut scheme = String::new();
        let mut parameters = Vec::new();
        let mut rest = header;
        while let Some((word, value, after)) = next(rest) {
            rest = after;
            match value {
                Some(value) => parameters.push((word, value)),
                None => {
                    found.extend(challenge(&scheme, &parameters));
                    scheme = word;
                    parameters.clear();
                }
            }
        }
        found.extend(challenge(&scheme, &parameters));
    }
    found
}

fn challenge(scheme: &str, parameters: &[(String, String)]) -> Option<Challenge> {
    let value = |name: &str| {
        let found = parameters
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Some(Challenge::Bearer {
        realm: value("realm")?,
        service: value("service"),
        scopes: value("scope")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    })
}

/// Takes one word, and its value if it has one; returns what follows, too.
fn next(text: &str) -> Option<(String, Option<String>, &str)> {
    let text = text.trim_start_matches([' ', '\t', ',']);
    let end = text.find([' ', '\t', ',', '=']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    if word.is_empty() {
        return None;
    }
    let Some(value) = rest.trim_start().strip_prefix('=') else {
        return Some((word.to_owned(), None, rest));
    };
    let value = value.trim_start();
    let Some(quoted) = value.strip_prefix('"') else {
        let end = value.find([' ', '\t', ',']).unwrap_or(value.len());
        let (value, rest) = value.split_at(end);
        return Some((word.to_owned(), Some(value.to_owned()), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                let rest = quoted.get(at + 1..).unwrap_or_default();
                return Some((word.to_owned(), Some(value), rest));
            }
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    // The closing quote is missing: what there is counts.
    Some((word.to_owned(), Some(value), ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scopes: &[&str]) -> Challenge {
        Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        }
    }

    #[test]
    fn challenges_are_read_in_all_their_forms() {
        for (header, expected) in [
            ("Basic realm=\"x\"", vec![Challenge::Basic]),
            ("basic", vec![Challenge::Basic]),
            (
                "Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a/b:pull,push x:y:z\"",
                vec![bearer(
                    "https://a/t",
                    Some("s"),
                    &["repository:a/b:pull,push", "x:y:z"],
                )],
            ),
            (
                "BEARER Realm = https://a/t , error=\"a \\\"b\\\"\"",
                vec![bearer("https://a/t", None, &[])],
            ),
            (
                "Negotiate, Basic realm=\"r\", Bearer realm=\"u\"",
                vec![Challenge::Basic, bearer("u", None, &[])],
            ),
            ("Bearer service=\"s\"", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parse([header].into_iter()), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_to_its_end(header in "[ -~]{0,80}") {
            let found = parse([header.as_str()].into_iter());
            prop_assert!(found.len() <= header.len());
        }
    }
}
