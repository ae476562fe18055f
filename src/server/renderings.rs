//! The few buffers that rendered pages live in.

use std::rc::Rc;

use super::Milliseconds;
use crate::format::Sorted;

/// The most pages that are alive at once. Readers that are slower than four renderings of
/// different pages are dropped, slowest first.
const RENDERINGS: usize = 4;

/// How long a page that is still being sent is shared with others that ask for the same.
const SHARED: Milliseconds = 1000;

/// A rendered page.
#[derive(Default)]
pub struct Rendering {
    /// The page in the text format.
    pub text: Sorted,
    query: String,
    rendered: Milliseconds,
    turn: u64,
}

/// All pages: those being sent, and one at rest whose buffer the next scrape uses again.
#[derive(Default)]
pub struct Renderings {
    renderings: Vec<Rc<Rendering>>,
    turn: u64,
}

impl Renderings {
    /// The page that another connection is being sent for the same query, or was in this turn of the
    /// server, if it is fresh: whoever is served in the same turn has asked at the same time.
    #[must_use]
    pub fn shared(&self, query: &str, now: Milliseconds) -> Option<Rc<Rendering>> {
        let is_concurrent = |page: &&Rc<Rendering>| {
            page.query == query
                && now.saturating_sub(page.rendered) < SHARED
                && (Rc::strong_count(page) > 1 || page.turn == self.turn)
        };
        self.renderings.iter().find(is_concurrent).cloned()
    }

    /// Whether a page can be rendered without dropping a reader.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.renderings.len() < RENDERINGS || self.renderings.iter().any(|page| Rc::strong_count(page) == 1)
    }

    /// Renders a page into a buffer that nobody reads. An error of `render` is handed on.
    pub fn render(
        &mut self,
        query: &str,
        now: Milliseconds,
        render: impl FnOnce(&mut Sorted) -> Result<(), String>,
    ) -> Result<Rc<Rendering>, String> {
        let free = self.renderings.iter().position(|page| Rc::strong_count(page) == 1);
        let mut shared = free.map(|at| self.renderings.swap_remove(at)).unwrap_or_default();
        let result = match Rc::get_mut(&mut shared) {
            Some(page) => {
                page.text.clear();
                page.query = query.to_owned();
                page.rendered = now;
                page.turn = self.turn;
                let result = render(&mut page.text);
                if result.is_err() {
                    // Nobody else is given what this one is refused.
                    page.turn = self.turn.wrapping_sub(1);
                }
                result
            }
            None => Ok(()),
        };
        self.renderings.push(Rc::clone(&shared));
        result.map(|()| shared)
    }

    /// Ends a turn of the server: whoever comes now comes later than those before.
    pub fn end_turn(&mut self) {
        self.turn = self.turn.wrapping_add(1);
    }

    /// Gives back all buffers that nobody reads but one.
    pub fn trim(&mut self) {
        let mut kept = false;
        if self.renderings.len() > 1 {
            self.renderings.retain(|page| {
                let read = Rc::strong_count(page) > 1;
                let keep = read || !kept;
                kept |= !read;
                keep
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(letter: u8) -> impl FnOnce(&mut Sorted) -> Result<(), String> {
        move |page| {
            page.push(&[letter]);
            Ok(())
        }
    }

    #[test]
    fn a_page_is_shared_while_it_is_sent_and_fresh() {
        let mut renderings = Renderings::default();
        let page = renderings.render("a", 0, text(b'1')).unwrap();
        assert!(Rc::ptr_eq(&page, &renderings.shared("a", 999).unwrap()));
        assert!(renderings.shared("b", 0).is_none());
        renderings.end_turn();
        assert!(renderings.shared("a", 999).is_some());
        assert!(renderings.shared("a", 1000).is_none());
        drop(page);
        assert!(renderings.shared("a", 0).is_none());
    }

    #[test]
    fn a_page_is_shared_within_a_turn_even_if_it_is_sent_already() {
        let mut renderings = Renderings::default();
        drop(renderings.render("a", 0, text(b'1')).unwrap());
        assert!(renderings.shared("a", 0).is_some());
        assert!(renderings.shared("b", 0).is_none());
        renderings.end_turn();
        assert!(renderings.shared("a", 0).is_none());
    }

    #[test]
    fn a_buffer_is_used_again_and_what_is_being_read_is_left_alone() {
        let mut renderings = Renderings::default();
        let first = renderings.render("", 0, text(b'1')).unwrap();
        let second = renderings.render("", 0, text(b'2')).unwrap();
        let piece =
            |page: &Rendering| page.text.pieces(0).next().map(|piece| (piece.as_ptr(), piece.to_vec())).unwrap();
        let (place, one) = piece(&first);
        assert_eq!((one, piece(&second).1), (b"1".to_vec(), b"2".to_vec()));
        drop(first);
        let third = renderings.render("", 0, text(b'3')).unwrap();
        assert_eq!(piece(&third), (place, b"3".to_vec()));
    }

    #[test]
    fn buffers_are_few_and_given_back() {
        let mut renderings = Renderings::default();
        let mut read = Vec::new();
        while renderings.has_room() {
            read.push(renderings.render("", 0, text(b'1')).unwrap());
        }
        assert_eq!(read.len(), RENDERINGS);
        read.pop();
        assert!(renderings.has_room());
        read.clear();
        renderings.trim();
        assert_eq!(renderings.renderings.len(), 1);
    }

    #[test]
    fn a_long_query_is_given_back() {
        let mut renderings = Renderings::default();
        drop(renderings.render(&"q".repeat(8000), 0, text(b'1')).unwrap());
        let page = renderings.render("", 0, text(b'1')).unwrap();
        assert!(page.query.capacity() <= 1024);
    }

    #[test]
    fn a_refused_page_frees_its_buffer() {
        let mut renderings = Renderings::default();
        let refused = renderings.render("", 0, |_| Err("no".to_owned()));
        assert_eq!(refused.err().as_deref(), Some("no"));
        assert!(renderings.shared("", 0).is_none());
        assert_eq!(renderings.renderings.len(), 1);
    }
}
