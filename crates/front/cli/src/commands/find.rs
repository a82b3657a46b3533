//! `transom find`

use anyhow::Result;
use transom_layer::Names;
use transom_ntmeta::name::split_stream;
use transom_sealed::{Kind, Metadata, Node, Store};

use crate::args::{Find, Global, Type};
use crate::output::{self, JsonArray};
use crate::show;
use crate::target::{self, Target};
use crate::wildcard::Wildcard;

pub(super) fn run(store: &Store, global: &Global, args: &Find) -> Result<()> {
    let tree = Target::find(store, &args.reference)?.open(store, args.view.whiteouts.rule())?;
    let pattern = args
        .name
        .as_ref()
        .map(|name| Wildcard::new(name, tree.names()));
    let mut json = global.json.then(JsonArray::begin).transpose()?;
    let mut out = output::stdout_unless(global.json);
    let mut nodes = vec![target::find(&tree, &args.path, args.view.raw)?];
    while let Some(node) = nodes.pop() {
        if node.is_directory() {
            nodes.extend(tree.entries(&node)?.into_iter().rev());
        }
        let named = pattern
            .as_ref()
            .is_none_or(|pattern| pattern.matches(node.name()));
        if !named {
            continue;
        }
        let metadata = tree.metadata(&node)?;
        if !is_wanted(args.kind, &node, &metadata, tree.names()) {
            continue;
        }
        match (&mut json, &mut out) {
            (Some(json), _) => json.push(&super::ls::row_json(&node, &metadata))?,
            (None, Some(out)) => {
                use std::io::Write;
                writeln!(out, "{}", show::text(node.path()))?;
            }
            (None, None) => {}
        }
    }
    match json {
        Some(json) => Ok(json.end()?),
        None => Ok(()),
    }
}

/// Streams are found only when asked for.
fn is_wanted(kind: Option<Type>, node: &Node, metadata: &Metadata, names: Names) -> bool {
    let is_stream = names == Names::Windows && split_stream(node.name()).1.is_some();
    match kind {
        None => !is_stream,
        Some(Type::Stream) => is_stream,
        Some(Type::File) => metadata.kind == Kind::File && !is_stream,
        Some(Type::Directory) => metadata.kind == Kind::Directory,
        Some(Type::Link) => matches!(metadata.kind, Kind::Symlink | Kind::Junction),
    }
}
