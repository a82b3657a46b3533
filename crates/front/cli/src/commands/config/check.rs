//! What a configuration of containerd lacks, in lines.

use toml::{Table, Value};

use super::containerd::{DIFF_SERVICE, DIFFER, PROXIES, SNAPSHOTTER, TRANSFER, Wanted};

/// Says what is missing or wrong; nothing if all is well. Names may be others: what counts is who listens there.
pub(super) fn problems(wanted: &Wanted, found: &Table) -> Vec<String> {
    let mut problems = Vec::new();
    let format = found.get("version").and_then(Value::as_integer);
    // A configuration of an older format is taken, too, but plugins have other names in that of version 1.
    if format.is_none_or(|format| format < 2) {
        problems.push(format!(
            "version = {} is missing at the top",
            wanted.format()
        ));
    } else if format > Some(wanted.format()) && !wanted.has_transfer() {
        problems.push(format!(
            "version is {}: containerd {} knows none above 2",
            format.unwrap_or_default(),
            wanted.version
        ));
    }
    let Some(snapshotter) = proxy(wanted, found, "snapshot", SNAPSHOTTER, &mut problems) else {
        return problems;
    };
    if !wanted.has_differ() {
        for (name, _) in proxies(found).filter(|(_, proxy)| text(proxy, "type") == Some("diff")) {
            problems.push(format!(
                "[{PROXIES}.{name}]: containerd {} panics when there is a proxy of type \"diff\"; remove it",
                wanted.version
            ));
        }
        return problems;
    }
    if let Some(differ) = proxy(wanted, found, "diff", DIFFER, &mut problems) {
        check_order(found, differ, &mut problems);
        if wanted.has_transfer() {
            check_unpacking(found, snapshotter, differ, &mut problems);
        }
    }
    problems
}

fn proxies(found: &Table) -> impl Iterator<Item = (&str, &Value)> {
    let proxies = found.get(PROXIES).and_then(Value::as_table);
    proxies
        .into_iter()
        .flatten()
        .map(|(name, proxy)| (name.as_str(), proxy))
}

/// Finds the proxy of a type that leads to this server.
fn proxy<'f>(
    wanted: &Wanted,
    found: &'f Table,
    kind: &str,
    usual: &str,
    problems: &mut Vec<String>,
) -> Option<&'f str> {
    let leads_here = |proxy: &Value| text(proxy, "address") == Some(&wanted.socket);
    let mut of_type = proxies(found).filter(|(_, proxy)| text(proxy, "type") == Some(kind));
    if let Some((name, _)) = of_type.find(|(_, proxy)| leads_here(proxy)) {
        return Some(name);
    }
    problems.push(match proxies(found).find(|(name, _)| *name == usual) {
        Some((name, proxy)) if text(proxy, "type") != Some(kind) => {
            format!("[{PROXIES}.{name}]: type must be \"{kind}\"")
        }
        Some((name, proxy)) => format!(
            "[{PROXIES}.{name}]: address is {:?}, but the server listens at {:?}",
            text(proxy, "address").unwrap_or_default(),
            wanted.socket
        ),
        None => format!(
            "[{PROXIES}.{usual}] with type = \"{kind}\" and address = {:?} is missing",
            wanted.socket
        ),
    });
    None
}

/// containerd asks differs in order, and its own takes what it should not.
fn check_order(found: &Table, differ: &str, problems: &mut Vec<String>) {
    let order = plugin(found, DIFF_SERVICE).and_then(|plugin| plugin.get("default"));
    let first = order
        .and_then(Value::as_array)
        .and_then(|order| order.first());
    if first.and_then(Value::as_str) != Some(differ) {
        problems.push(format!(
            "[plugins.\"{DIFF_SERVICE}\"]: default must be [\"{differ}\", \"walking\"], with \"{differ}\" first"
        ));
    }
}

/// The transfer service unpacks only what it was told to.
fn check_unpacking(found: &Table, snapshotter: &str, differ: &str, problems: &mut Vec<String>) {
    let configs = plugin(found, TRANSFER).and_then(|plugin| plugin.get("unpack_config"));
    let configs = configs.and_then(Value::as_array);
    let for_windows = configs.into_iter().flatten().find(|config| {
        text(config, "platform").is_some_and(|platform| platform.starts_with("windows"))
            && text(config, "snapshotter") == Some(snapshotter)
    });
    let section = format!("[[plugins.\"{TRANSFER}\".unpack_config]]");
    match for_windows {
        None => problems.push(format!(
            "{section} with platform = \"windows/amd64\" and snapshotter = \"{snapshotter}\" is missing"
        )),
        Some(config) if text(config, "differ") != Some(differ) => problems.push(format!(
            "{section} for \"{snapshotter}\": differ must be \"{differ}\""
        )),
        Some(_) => {}
    }
}

fn plugin<'f>(found: &'f Table, name: &str) -> Option<&'f Value> {
    found.get("plugins")?.get(name)
}

fn text<'f>(table: &'f Value, key: &str) -> Option<&'f str> {
    table.get(key)?.as_str()
}
