//! Bytes in, numbers and words out.

pub mod errno;
pub mod scan;
