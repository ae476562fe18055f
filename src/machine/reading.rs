//! The ways of reading a file.

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// To its end, and kept open for the next time.
    Kept,
    /// As one record, which one read gives whole if it has the room, and kept open.
    KeptRecord,
    /// To its end.
    Whole,
    /// An attribute: one read gives all of it, and blanks around it mean nothing.
    Attribute,
    /// An attribute that is kept open.
    KeptAttribute,
}

impl Reading {
    pub fn keeps(self) -> bool {
        matches!(self, Self::Kept | Self::KeptRecord | Self::KeptAttribute)
    }

    /// The same without keeping the file open.
    pub fn anew(self) -> Self {
        match self {
            Self::Kept | Self::KeptRecord => Self::Whole,
            Self::KeptAttribute => Self::Attribute,
            other => other,
        }
    }

    pub fn is_short(self) -> bool {
        matches!(self, Self::Attribute | Self::KeptAttribute)
    }

    /// Whether a read that leaves room is the last.
    pub fn is_at_once(self) -> bool {
        self.is_short() || self == Self::KeptRecord
    }
}
