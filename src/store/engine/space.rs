//! Named, ordered key spaces.

use std::borrow::Cow;
use std::fmt;

/// A key space: always there, or one of a family that is dated by day and dropped whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space {
    name: &'static str,
    day: Option<u32>,
    counting: Counting,
}

/// Whether a space's pairs are part of the store's [`Tally`](super::Tally).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Counting {
    /// They are not.
    No,
    /// They are; what a write replaces is read first.
    All,
    /// They are, and a put is of a new key, so that nothing has to be read first.
    New,
}

impl Space {
    /// A space that is always there. The name has 1 to 64 of the characters `a-z` and `_`.
    ///
    /// # Panics
    ///
    /// On any other name; at compile time where the space is a constant.
    pub const fn fixed(name: &'static str) -> Self {
        check(name);
        Self { name, day: None, counting: Counting::No }
    }

    /// The same space, its pairs in the store's [`Tally`](super::Tally): what goes missing is noticed, for the
    /// price of a read with every write.
    #[must_use]
    pub const fn counted(self) -> Self {
        Self { counting: Counting::All, ..self }
    }

    /// As [`Space::counted`], without that price, for a space where every put is of a key that is not there.
    /// [`Batch::replace`](super::Batch::replace) is for the exception.
    #[must_use]
    pub const fn growing(self) -> Self {
        Self { counting: Counting::New, ..self }
    }

    /// Whether the space's pairs are in the store's [`Tally`](super::Tally).
    pub const fn is_counted(self) -> bool {
        !matches!(self.counting, Counting::No)
    }

    pub(super) const fn counting(self) -> Counting {
        self.counting
    }

    /// The space of one day in a family, named `family-day`. The family is named as a fixed space is.
    ///
    /// # Panics
    ///
    /// As [`Space::fixed`] does.
    pub const fn dated(family: &'static str, day: u32) -> Self {
        check(family);
        Self { name: family, day: Some(day), counting: Counting::No }
    }

    /// Reads a name that [`Engine::spaces`](super::Engine::spaces) listed, if it is of this family.
    pub fn of_family(family: &'static str, name: &str) -> Option<Self> {
        let digits = name.strip_prefix(family)?.strip_prefix('-')?;
        let space = Self::dated(family, digits.parse().ok()?);
        (space.name() == name).then_some(space)
    }

    /// The day of a dated space.
    pub const fn day(self) -> Option<u32> {
        self.day
    }

    /// The name the space has on the disk.
    pub fn name(self) -> Cow<'static, str> {
        match self.day {
            None => Cow::Borrowed(self.name),
            Some(day) => Cow::Owned(format!("{}-{day}", self.name)),
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

const fn check(name: &str) {
    let mut rest = name.as_bytes();
    assert!(!rest.is_empty() && rest.len() <= 64, "a space's name has 1 to 64 characters");
    while let [first, others @ ..] = rest {
        assert!(first.is_ascii_lowercase() || *first == b'_', "a space's name is made of a-z and _");
        rest = others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dated_space_is_found_again_by_its_name() {
        let space = Space::dated("keys", 20_451);
        assert_eq!(space.name(), "keys-20451");
        assert_eq!(Space::of_family("keys", "keys-20451"), Some(space));
        assert_eq!(space.day(), Some(20_451));
    }

    #[test]
    fn a_name_of_another_family_or_shape_is_no_dated_space() {
        for name in ["keys", "keys-", "keys-x", "keys-020451", "keys-+1", "key-20451", "keyset-1", "keys-4294967296"] {
            assert_eq!(Space::of_family("keys", name), None, "{name}");
        }
    }
}
