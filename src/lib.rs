//! A node exporter for home routers.
//!
//! One direction: `main` reads the [`arguments`] and hands a [`scrape::Scraper`] to the [`server`];
//! the scraper calls each of the [`collectors`], which read the kernel's files through [`host`],
//! take them apart with [`scan`] and write families to the [`page`].

#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod access;
pub mod arguments;
pub mod class;
pub mod collectors;
pub mod errno;
pub mod exposition;
pub mod filter;
pub mod glob;
pub mod health;
pub mod host;
pub mod log;
pub mod memory;
pub mod netlink;
pub mod page;
pub mod privileges;
pub mod process;
pub mod regex;
pub mod scan;
pub mod scrape;
pub mod server;
pub mod settings;
pub mod statfs;
pub mod system;
pub mod zone;
