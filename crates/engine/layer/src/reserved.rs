//! Names that Windows keeps for itself in layers.

/// What names of carriers end in: the Host Compute Service takes every such name for one and drops it (hcsshim
/// internal/wclayer/legacy.go).
pub const CARRIER_SUFFIX: &str = ".$wcidirs$";

/// The folder in a volume's root that has deleted files; no layer has it (hcsshim internal/wclayer/legacy.go).
pub const RECYCLE_BIN: &str = "$Recycle.Bin";
