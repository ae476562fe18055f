//! Bytes in, numbers and words out.

pub mod address;
pub mod base64;
pub mod digits;
pub mod errno;
pub mod glob;
pub mod scan;
pub mod shell;
