//! `transom stat`

use anyhow::Result;
use serde_json::{Value, json};
use transom_layer::{DiffId, Names};
use transom_ntmeta::filetime::UnixTime;
use transom_sealed::{Kind, Metadata, Node, Store, Tree};

use crate::args::{Global, Stat};
use crate::output;
use crate::show;
use crate::target::{self, Target};

pub(super) fn run(store: &Store, global: &Global, args: &Stat) -> Result<()> {
    let tree = Target::find(store, &args.reference)?.open(store, args.view.whiteouts.rule())?;
    let mut values = Vec::new();
    for (position, path) in args.paths.iter().enumerate() {
        let node = target::find(&tree, path, args.view.raw)?;
        let facts = Facts::gather(&tree, node)?;
        if global.json {
            values.push(facts.json());
        } else {
            if position > 0 {
                output::line("")?;
            }
            output::lines(&facts.lines(tree.names()))?;
        }
    }
    if global.json {
        output::json(&Value::Array(values))
    } else {
        Ok(())
    }
}

/// All that is known of one entry.
struct Facts {
    node: Node,
    metadata: Metadata,
    streams: Vec<(Node, u64)>,
    layer: Option<DiffId>,
}

impl Facts {
    fn gather(tree: &Tree, node: Node) -> Result<Self> {
        let metadata = tree.metadata(&node)?;
        let mut streams = Vec::new();
        for stream in tree.streams(&node)? {
            let size = tree.metadata(&stream)?.size;
            streams.push((stream, size));
        }
        let layer = tree.layers().nth(metadata.layer);
        Ok(Self {
            node,
            metadata,
            streams,
            layer,
        })
    }

    fn times(&self) -> [(&'static str, Option<UnixTime>); 4] {
        let metadata = &self.metadata;
        [
            ("created", metadata.created),
            ("modified", Some(metadata.modified)),
            ("accessed", metadata.accessed),
            ("changed", metadata.changed),
        ]
    }

    fn json(&self) -> Value {
        let metadata = &self.metadata;
        let mut value = super::ls::row_json(&self.node, metadata);
        for (name, time) in self.times() {
            value[name] = json!(time.map(show::time));
        }
        value["has_data_stream"] = json!(metadata.has_data_stream);
        value["security"] = json!(metadata.security.as_deref().map(|bytes| json!({
            "sddl": show::sddl(bytes),
            "hex": show::hex(bytes),
        })));
        value["streams"] = self
            .streams
            .iter()
            .map(|(stream, size)| json!({ "name": show::json_text(stream.name()), "size": size }))
            .collect();
        let pairs = |pairs: &[(Vec<u8>, Vec<u8>)]| -> Value {
            let pair = |(name, value): &(Vec<u8>, Vec<u8>)| json!({ "name": show::json_text(name), "hex": show::hex(value) });
            pairs.iter().map(pair).collect()
        };
        value["eas"] = pairs(&metadata.eas);
        value["xattrs"] = pairs(&metadata.xattrs);
        value["links"] = json!(metadata.links);
        value["layer"] = json!({
            "position": metadata.layer,
            "diff_id": self.layer.map(|id| id.to_string()),
        });
        value
    }

    fn lines(&self, names: Names) -> Vec<String> {
        let metadata = &self.metadata;
        let mut lines = Vec::new();
        let mut add = |name: &str, value: String| lines.push(format!("{name:>11}: {value}"));
        add("path", show::text(self.node.path()));
        add("kind", metadata.kind.as_str().to_owned());
        if metadata.kind == Kind::File {
            let absent = if metadata.has_data_stream {
                ""
            } else {
                " (no data stream)"
            };
            add("size", format!("{} bytes{absent}", metadata.size));
        }
        if let Some(target) = &metadata.target {
            add("target", show::text(target));
        }
        if let Some(attributes) = metadata.attributes {
            add(
                "attributes",
                format!("{} ({:#x})", attributes.letters(), attributes.bits()),
            );
        }
        if names == Names::Posix {
            add("mode", format!("{:04o}", metadata.mode));
            add("owner", format!("{}:{}", metadata.uid, metadata.gid));
        }
        for (name, time) in self.times() {
            if let Some(time) = time {
                add(name, show::time(time));
            }
        }
        if let Some(security) = &metadata.security {
            if let Some(owner) = show::owner(security) {
                add("owner", owner);
            }
            add("security", show::sddl(security));
        }
        for (stream, size) in &self.streams {
            add(
                "stream",
                format!("{} ({size} bytes)", show::text(stream.name())),
            );
        }
        for (name, value) in metadata.eas.iter().chain(&metadata.xattrs) {
            add(
                "attribute",
                format!("{} = 0x{}", show::text(name), show::hex(value)),
            );
        }
        if metadata.kind != Kind::Directory {
            add("links", metadata.links.to_string());
        }
        if let Some((_, device)) = metadata.device {
            add("device", format!("{}:{}", device.major, device.minor));
        }
        let layer = self
            .layer
            .map_or_else(String::new, |id| format!(" ({})", id.digest().short()));
        add("layer", format!("{}{layer}", metadata.layer));
        lines
    }
}
