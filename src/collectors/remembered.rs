//! What is read once, as it changes only with something that is known anyway.

use std::cell::RefCell;

/// How many facts are kept: two for each of more interfaces than a router has.
const MOST: usize = 512;

/// Numbers that belong together.
pub type Facts = [Option<i64>; 3];

/// Facts, each with what it was read for.
#[derive(Debug, Default)]
pub struct Remembered(RefCell<Vec<(Vec<u8>, Facts)>>);

impl Remembered {
    /// What `read` gave when it was first asked about `key`.
    pub fn once(&self, key: &[&[u8]], read: impl FnOnce() -> Facts) -> Facts {
        let is_it = |(known, _): &&(Vec<u8>, _)| {
            let mut rest = Some(known.as_slice());
            for part in key {
                rest = rest.and_then(|rest| rest.strip_prefix(*part));
            }
            rest.is_some_and(<[u8]>::is_empty)
        };
        if let Some((_, facts)) = self.0.borrow().iter().find(is_it) {
            return *facts;
        }
        let facts = read();
        let mut known = self.0.borrow_mut();
        if known.len() >= MOST {
            known.clear();
        }
        known.push((key.concat(), facts));
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_once_for_a_key() {
        let remembered = Remembered::default();
        let facts = |number| [Some(number), None, None];
        assert_eq!(remembered.once(&[b"4", b"eth0"], || facts(1)), facts(1));
        assert_eq!(remembered.once(&[b"4", b"eth0"], || facts(2)), facts(1));
        assert_eq!(remembered.once(&[b"5", b"eth0"], || facts(3)), facts(3));
        for number in 0..2 * MOST {
            remembered.once(&[number.to_string().as_bytes()], || facts(4));
            assert!(remembered.0.borrow().len() <= MOST);
        }
        assert_eq!(remembered.once(&[b"4", b"eth0"], || facts(5)), facts(5));
    }
}
