//! How a caller watches a load or a save.

/// Takes notice of layers as they are read and written, from several threads at once.
pub trait Progress: Sync {
    /// Something is begun: `label` names it for people, `total_bytes` is its length where it is known.
    /// It has ended, well or not, when what is returned is dropped.
    fn layer_started(&self, label: &str, total_bytes: Option<u64>) -> Box<dyn LayerProgress + '_>;
}

/// Takes notice of the bytes of one layer.
pub trait LayerProgress: Sync {
    /// `bytes` more were read or written.
    fn advance(&self, bytes: u64);
}

/// Takes no notice.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn layer_started(&self, _: &str, _: Option<u64>) -> Box<dyn LayerProgress + '_> {
        Box::new(Self)
    }
}

impl LayerProgress for NoProgress {
    fn advance(&self, _: u64) {}
}
