//! Maps and sets that are made item by item.

/// What gathers items without sorting them first, as `collect` does for a map or a set whose items may
/// come in any order: that is five kilobytes of wasm for each type of them, and here they are few.
pub(crate) trait Gather: Iterator + Sized {
    /// All items.
    fn gathered<C: Default + Extend<Self::Item>>(self) -> C {
        let mut all = C::default();
        all.extend(self);
        all
    }
}

impl<I: Iterator> Gather for I {}
