//! A node exporter for home routers.
//!
//! One direction: `main` reads the [`arguments`] and hands a [`scrape::Scraper`] to the [`server`];
//! the scraper calls each of the [`collectors`], which read the kernel's files through [`machine`],
//! take them apart with [`text`] and write families to the [`format`].

#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod arguments;
pub mod built;
pub mod collectors;
pub mod filter;
pub mod format;
pub mod machine;
pub mod process;
pub mod scrape;
pub mod server;
pub mod settings;
pub mod text;
