//! The Prometheus text format, version 0.0.4: writing it, and reading what other programs wrote.

mod draft;
pub mod family;
mod label;
mod number;
pub mod page;
pub mod parse;
mod series;
pub mod sorted;
mod table;
pub mod value;

pub use family::{Family, Kind};
pub(crate) use family::{counter, gauge};
pub use label::Labels;
pub use page::Page;
pub use sorted::Sorted;
pub use table::Table;
pub use value::Value;

/// What the tests of those who write a page need.
#[cfg(test)]
pub mod sample {
    use super::{Page, Sorted};

    /// The page as it is sent.
    pub fn written(page: &mut Page) -> String {
        let mut out = Sorted::default();
        page.write(&mut out, |_| true);
        String::from_utf8(out.to_vec()).unwrap()
    }
}
