//! Being a good process: system calls, memory, privileges and the log.

pub mod allocator;
pub mod log;
pub mod privileges;
pub mod syscalls;
