//! `/proc/[pid]/stat`: how many processes and threads there are, and what they are at.
//!
//! A file for each process is opened at each scrape: the collector is off by default.

use crate::collectors::process_stat;
use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::decimal;

const THREADS: Family = gauge!("node_processes_threads", "Allocated threads in system");
const STATE: Family = gauge!("node_processes_state", "Number of processes in each state.");
const THREADS_STATE: Family = gauge!("node_processes_threads_state", "Number of threads in each state.");
const PIDS: Family = gauge!("node_processes_pids", "Number of PIDs");
/// Settings, and what they limit.
const LIMITS: [(&str, Family); 2] = [
    ("kernel/threads-max", gauge!("node_processes_max_threads", "Limit of threads in the system")),
    ("kernel/pid_max", gauge!("node_processes_max_processes", "Number of max PIDs limit")),
];

/// Adds the numbers of processes and threads, in all and in each state, and their limits.
///
/// # Errors
/// If `/proc` cannot be listed or a limit cannot be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let mut processes = States::default();
    let mut threads = States::default();
    let mut thread_count = 0_u64;
    for pid in machine.proc_names(&[])?.iter().filter(|name| decimal(name).is_some()) {
        // One that has ended since is nobody's fault.
        let Some(process) = read(machine, &[pid, b"/stat"]) else { continue };
        processes.add(process.state);
        thread_count = thread_count.saturating_add(process.threads);
        if process.threads == 1 {
            threads.add(process.state);
        } else if let Ok(names) = machine.proc_names(&[pid, b"/task"]) {
            for thread in names.iter() {
                if let Some(thread) = read(machine, &[pid, b"/task/", thread, b"/stat"]) {
                    threads.add(thread.state);
                }
            }
        }
    }
    page.single(&THREADS, thread_count);
    page.single(&PIDS, processes.sum());
    processes.write(page, &STATE, "state");
    threads.write(page, &THREADS_STATE, "thread_state");
    for (path, family) in &LIMITS {
        page.single(family, machine.sysctl_decimal(path)?);
    }
    Ok(())
}

/// How many there are in each state, by the state's letter.
#[derive(Debug)]
struct States([u32; 128]);

impl Default for States {
    fn default() -> Self {
        Self([0; 128])
    }
}

impl States {
    fn add(&mut self, state: u8) {
        if let Some(count) = self.0.get_mut(usize::from(state)) {
            *count = count.wrapping_add(1);
        }
    }

    fn sum(&self) -> u32 {
        self.0.iter().fold(0, |sum, count| sum.wrapping_add(*count))
    }

    fn write(&self, page: &mut Page, family: &Family, label: &str) {
        page.family(family);
        for (state, &count) in (0_u8..).zip(&self.0).filter(|(_, count)| **count != 0) {
            page.sample(&[(label, &[state])], count);
        }
    }
}

/// A process or a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Task {
    /// The kernel's letter.
    state: u8,
    /// How many threads its process has.
    threads: u64,
}

fn read(machine: &Machine, path: &[&[u8]]) -> Option<Task> {
    let stat = process_stat::parse(&machine.proc_once(path).ok()?)?;
    Some(Task { state: u8::try_from(stat.state).ok()?, threads: u64::try_from(stat.num_threads).ok()? })
}
