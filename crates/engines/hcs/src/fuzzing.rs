//! What the fuzzer reaches of this crate.

use crate::chain;

/// Reads bytes as `layerchain.json`: the name that a parent is looked for by is one name.
pub fn layer_chain(data: &[u8]) {
    for parent in chain::parse(data).unwrap_or_default() {
        let name = chain::base_name(&parent);
        assert!(!name.contains(['/', '\\']), "{name}");
    }
}
