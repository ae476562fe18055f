//! Families of samples: their names, helps and kinds.

use crate::text::scan::split_once;

/// What a family's values mean, the page's `# TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows, save at a restart.
    Counter,
    /// Goes up and down.
    Gauge,
    /// node_exporter does not say.
    Untyped,
    /// Buckets, their sum and count; only other programs have it.
    Histogram,
    /// Quantiles, their sum and count; only other programs have it.
    Summary,
}

impl Kind {
    /// The word of the format.
    pub fn word(self) -> &'static [u8] {
        self.text().trim_ascii()
    }

    pub(super) fn text(self) -> &'static [u8] {
        match self {
            Self::Counter => b" counter\n",
            Self::Gauge => b" gauge\n",
            Self::Untyped => b" untyped\n",
            Self::Histogram => b" histogram\n",
            Self::Summary => b" summary\n",
        }
    }
}

/// A family of samples: one row of a collector's table, as [`counter!`] and [`gauge!`] make it.
///
/// It is one text (the kind's first letter, the name, a blank and the help), as there are hundreds.
#[derive(Clone, Copy, Debug)]
pub struct Family(#[doc(hidden)] pub &'static str);

impl Family {
    /// The name, whole, with its unit.
    #[must_use]
    pub fn name(&self) -> &'static [u8] {
        split_once(self.name_and_help(), b' ').unwrap_or_default().0
    }

    pub(super) fn name_and_help(&self) -> &'static [u8] {
        self.0.as_bytes().get(1..).unwrap_or_default()
    }

    pub(super) fn kind(&self) -> Kind {
        if self.0.as_bytes().first() == Some(&b'c') { Kind::Counter } else { Kind::Gauge }
    }
}

/// A row of a table of families, of its name and its help: a counter. The help is node_exporter's
/// where it has the family.
macro_rules! counter {
    ($name:literal, $help:literal $(,)?) => {
        $crate::format::family::Family(concat!("c", $name, " ", $help))
    };
}

/// A row of a table of families, of its name and its help: a gauge.
macro_rules! gauge {
    ($name:literal, $help:literal $(,)?) => {
        $crate::format::family::Family(concat!("g", $name, " ", $help))
    };
}

pub(crate) use {counter, gauge};
