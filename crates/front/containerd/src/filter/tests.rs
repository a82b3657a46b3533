use std::sync::LazyLock;

use proptest::prelude::*;
use transom_sealed::{NewSnapshot, Store};

use super::*;

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    let labels = [("a.b/c", "x y"), ("plain", "yes")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    store
        .prepare_snapshot(&NewSnapshot {
            key: "default/1/it",
            parent: None,
            view: false,
            labels: labels.into(),
        })
        .unwrap()
});

#[test]
fn filters_choose_as_those_of_containerd_do() {
    let snapshot = &SNAPSHOT;
    for (filter, passes) in [
        ("", true),
        ("kind==active", true),
        ("kind==view", false),
        ("kind!=view", true),
        ("name==default/1/it", true),
        ("name~=it$", true),
        (r"name~=/default\/\d+/", true),
        ("name~=|^other|", false),
        ("parent==\"\"", true),
        ("parent!=\"\"", false),
        ("labels.plain", true),
        ("labels.plain==yes", true),
        ("labels.plain!=yes", false),
        ("labels.missing", false),
        ("labels.missing!=x", true),
        (r#"labels."a.b/c"=="x y""#, true),
        (r#"labels."a.b/c"=="x\u0020y""#, true),
        (r#"labels.a."b/c"=="x y""#, true),
        ("kind==active,labels.plain==yes", true),
        ("kind==active , labels.plain==no", false),
        ("unknown", false),
        ("unknown!=x", true),
        ("labels", false),
    ] {
        let parsed = Filter::parse(filter).unwrap();
        assert_eq!(parsed.matches(snapshot), passes, "{filter}");
    }
}

#[test]
fn a_filter_that_cannot_be_read_is_told_where() {
    for (filter, at) in [
        ("kind=active", 4),
        ("==x", 0),
        ("kind==", 6),
        ("kind==active,", 13),
        ("name==\"open", 6),
        (r#"name=="\q""#, 9),
        (r#"name=="\ud800""#, 9),
        ("name~=(", 6),
        ("labels.", 7),
    ] {
        assert_eq!(Filter::parse(filter).unwrap_err().at, at, "{filter}");
    }
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

proptest! {
    #[test]
    fn any_text_is_a_filter_or_an_error(text in "\\PC{0,40}") {
        let _ = Filter::parse(&text);
    }

    #[test]
    fn a_quoted_word_means_itself(word in "\\PC{0,20}") {
        let mut snapshot = SNAPSHOT.clone();
        snapshot.labels.insert(word.clone(), word.clone());
        if !word.is_empty() {
            let filter = format!("labels.{0}=={0}", quoted(&word));
            prop_assert!(Filter::parse(&filter).unwrap().matches(&snapshot));
        }
    }
}
