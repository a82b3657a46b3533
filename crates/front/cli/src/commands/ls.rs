//! `transom ls`

use anyhow::Result;
use serde_json::{Value, json};
use transom_layer::Names;
use transom_ntmeta::name::split_stream;
use transom_sealed::{Kind, Metadata, Node, Store, Tree};

use crate::args::{Global, Ls};
use crate::output::{self, JsonArray};
use crate::show;
use crate::target::{self, Target};

pub(super) fn run(store: &Store, global: &Global, args: &Ls) -> Result<()> {
    let tree = Target::find(store, &args.reference)?.open(store, args.view.whiteouts.rule())?;
    let mut listing = Listing {
        tree: &tree,
        args,
        json: None,
        printed: false,
    };
    if global.json {
        listing.json = Some(JsonArray::begin()?);
    }
    for path in &args.paths {
        let node = target::find(&tree, path, args.view.raw)?;
        if node.is_directory() {
            listing.folder(&node, args.paths.len() > 1 || args.recursive)?;
        } else {
            listing.rows(std::slice::from_ref(&node))?;
        }
    }
    match listing.json {
        Some(json) => Ok(json.end()?),
        None => Ok(()),
    }
}

struct Listing<'a> {
    tree: &'a Tree,
    args: &'a Ls,
    json: Option<JsonArray>,
    printed: bool,
}

impl Listing<'_> {
    fn folder(&mut self, folder: &Node, with_title: bool) -> Result<()> {
        let mut folders = vec![folder.clone()];
        while let Some(folder) = folders.pop() {
            if with_title && self.json.is_none() {
                let gap = if self.printed { "\n" } else { "" };
                output::line(&format!("{gap}{}:", show::text(folder.path())))?;
                self.printed = true;
            }
            let entries = match self.args.streams {
                true => self.tree.entries(&folder)?,
                false => self.tree.children(&folder)?,
            };
            self.rows(&entries)?;
            if self.args.recursive {
                folders.extend(entries.into_iter().filter(Node::is_directory).rev());
            }
        }
        Ok(())
    }

    fn rows(&mut self, nodes: &[Node]) -> Result<()> {
        if let Some(json) = &mut self.json {
            for node in nodes {
                json.push(&row_json(node, &self.tree.metadata(node)?))?;
            }
            return Ok(());
        }
        if !self.args.long {
            let names: Vec<String> = nodes.iter().map(|node| show::text(node.name())).collect();
            return output::lines(&names);
        }
        let rows = nodes
            .iter()
            .map(|node| {
                Ok(long_row(
                    node,
                    &self.tree.metadata(node)?,
                    self.tree.names(),
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        let header = match self.tree.names() {
            Names::Windows => ["ATTR", "SIZE", "MODIFIED (UTC)", "OWNER", "NAME"],
            Names::Posix => ["MODE", "SIZE", "MODIFIED (UTC)", "OWNER", "NAME"],
        };
        output::table(&header, &[1], &rows)
    }
}

fn long_row(node: &Node, metadata: &Metadata, names: Names) -> Vec<String> {
    let (mode, owner) = match names {
        // A stream has neither: they are its file's.
        Names::Windows if split_stream(node.name()).1.is_some() => (String::new(), String::new()),
        Names::Windows => {
            let owner = metadata.security.as_deref().and_then(show::owner);
            (
                attributes(metadata),
                owner.unwrap_or_else(|| "-".to_owned()),
            )
        }
        Names::Posix => (mode(metadata), format!("{}:{}", metadata.uid, metadata.gid)),
    };
    let size = match metadata.kind {
        Kind::File => metadata.size.to_string(),
        Kind::Directory => "<DIR>".to_owned(),
        Kind::Symlink => "<LINK>".to_owned(),
        Kind::Junction => "<JUNCTION>".to_owned(),
        Kind::Special => "<SPECIAL>".to_owned(),
    };
    let target = metadata
        .target
        .as_ref()
        .map(|target| format!(" -> {}", show::text(target)));
    let name = show::text(node.name()) + &target.unwrap_or_default();
    vec![mode, size, show::short_time(metadata.modified), owner, name]
}

fn attributes(metadata: &Metadata) -> String {
    match (metadata.attributes, metadata.kind) {
        (Some(attributes), _) => attributes.letters(),
        (None, Kind::Directory) => "d?????".to_owned(),
        (None, _) => "??????".to_owned(),
    }
}

/// `drwxr-xr-x`
fn mode(metadata: &Metadata) -> String {
    let kind = match metadata.kind {
        Kind::File => '-',
        Kind::Directory => 'd',
        Kind::Symlink | Kind::Junction => 'l',
        Kind::Special => 's',
    };
    let bits = (0..9).rev().zip("rwxrwxrwx".chars());
    let bits = bits.map(|(bit, letter)| {
        if metadata.mode >> bit & 1 == 1 {
            letter
        } else {
            '-'
        }
    });
    std::iter::once(kind).chain(bits).collect()
}

/// What `ls` and `find` tell of an entry.
pub(super) fn row_json(node: &Node, metadata: &Metadata) -> Value {
    json!({
        "path": show::json_text(node.path()),
        "kind": metadata.kind.as_str(),
        "size": metadata.size,
        "attributes": metadata.attributes.map(|attributes| attributes.bits()),
        "modified": show::time(metadata.modified),
        "owner": metadata.security.as_deref().and_then(show::owner),
        "mode": format!("{:04o}", metadata.mode),
        "uid": metadata.uid,
        "gid": metadata.gid,
        "target": metadata.target.as_deref().map(show::json_text),
    })
}
