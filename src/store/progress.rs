//! How far something that takes long has come.

/// Told by whoever goes through a store.
pub trait Progress {
    /// Something of about `total` parts begins; `None`: nobody knows.
    fn begin(&mut self, what: &str, total: Option<u64>);

    /// A part of it is called this.
    fn part(&mut self, name: &str);

    /// That many more of the parts are done.
    fn advance(&mut self, count: u64);

    /// It is over.
    fn end(&mut self);
}

/// Nobody is interested.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _: &str, _: Option<u64>) {}
    fn part(&mut self, _: &str) {}
    fn advance(&mut self, _: u64) {}
    fn end(&mut self) {}
}
