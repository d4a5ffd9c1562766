//! Where a resource stands: its type and its place in creation order, as one integer.

/// The key of a resource's row. Resources of a type are a range; within it, order is creation.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Pos(i64);

/// Bits of a place; with a type's eight they stay below the 53 that the runtime carries exactly.
pub(super) const PLACE_BITS: u32 = 40;

impl Pos {
    /// The position of the resource that was created as the `place`-th of its type.
    pub const fn new(type_number: u8, place: i64) -> Self {
        Self(((type_number as i64) << PLACE_BITS) | place)
    }

    /// The position that a row holds.
    pub const fn stored(value: i64) -> Self {
        Self(value)
    }

    /// The integer that a row holds.
    pub const fn value(self) -> i64 {
        self.0
    }

    /// Its place in the creation order of its type.
    pub const fn place(self) -> i64 {
        self.0 & ((1 << PLACE_BITS) - 1)
    }

    /// The resource's type.
    pub fn type_number(self) -> u8 {
        u8::try_from(self.0 >> PLACE_BITS).unwrap_or(0)
    }

    /// The positions between which a type's resources stand, both exclusive.
    pub const fn range(type_number: u8) -> (Self, Self) {
        (Self::new(type_number, 0), Self(((type_number as i64).saturating_add(1)) << PLACE_BITS))
    }
}
