//! A text that is being written, piece by piece.

use std::ops::{Deref, Range};

use super::sorted::Place;

/// A text that is being written, piece by piece: some 4,000 of them a page.
///
/// Its room is there and holds zeros before it is written to, so that a piece is compared with the
/// room and copied, and that is all. A `Vec` that grows by each piece took a router's processor twice as long.
#[derive(Debug, Default)]
pub(super) struct Draft {
    room: Vec<u8>,
    end: usize,
}

impl Draft {
    /// Adds a piece.
    #[inline(never)]
    pub fn append(&mut self, piece: &[u8]) {
        match self.room.get_mut(self.end..).and_then(|room| room.get_mut(..piece.len())) {
            Some(room) => {
                self.end = self.end.wrapping_add(piece.len());
                room.copy_from_slice(piece);
            }
            None => self.append_to_more(piece),
        }
    }

    /// A sixteenth more than is needed: what is zeroed is memory in use.
    #[cold]
    #[inline(never)]
    fn append_to_more(&mut self, piece: &[u8]) {
        let end = self.end.saturating_add(piece.len());
        self.room.resize(end.saturating_add(end / 16), 0);
        self.append(piece);
    }

    /// Adds a byte.
    pub fn push(&mut self, byte: u8) {
        match self.room.get_mut(self.end) {
            Some(place) => {
                *place = byte;
                self.end = self.end.wrapping_add(1);
            }
            None => self.append(&[byte]),
        }
    }

    /// Adds what stands somewhere in the text already.
    #[inline(never)]
    pub fn append_within(&mut self, of: Range<usize>) {
        let Some((text, room)) = self.room.split_at_mut_checked(self.end) else { return };
        let Some(piece) = text.get(of) else { return };
        match room.get_mut(..piece.len()) {
            Some(room) => {
                self.end = self.end.wrapping_add(piece.len());
                room.copy_from_slice(piece);
            }
            None => {
                let piece = piece.to_vec();
                self.append_to_more(&piece);
            }
        }
    }

    /// The text, to be changed.
    pub fn as_mut(&mut self) -> &mut [u8] {
        self.room.get_mut(..self.end).unwrap_or_default()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.end
    }

    /// The place where the next piece is added.
    pub fn end(&self) -> Place {
        Place::try_from(self.end).unwrap_or(Place::MAX)
    }

    /// Takes back what follows the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.end = self.end.min(length);
    }

    /// How many bytes have room.
    pub fn capacity(&self) -> usize {
        self.room.len()
    }

    /// Gives back the room that is empty.
    pub fn shrink_to_fit(&mut self) {
        self.room.truncate(self.end);
        self.room.shrink_to_fit();
    }
}

impl Deref for Draft {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.room.get(..self.end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_follow_each_other() {
        let mut draft = Draft::default();
        draft.append_within(0..0);
        draft.push(b'a');
        draft.append(b"");
        draft.append(b"bcd");
        draft.append_within(1..3);
        assert_eq!(*draft, *b"abcdbc");
        draft.as_mut().reverse();
        draft.truncate(4);
        draft.append_within(0..4);
        assert_eq!(*draft, *b"cbdccbdc");
        draft.truncate(9);
        assert_eq!(draft.len(), 8);
        draft.append_within(4..9);
        assert_eq!(draft.len(), 8, "what is not there is not added");
    }

    #[test]
    fn room_is_made_and_given_back() {
        let mut draft = Draft::default();
        let mut expected = Vec::new();
        for number in 0..10_000_u32 {
            let piece = number.to_string();
            draft.append(piece.as_bytes());
            draft.push(b' ');
            expected.extend_from_slice(piece.as_bytes());
            expected.push(b' ');
            draft.append_within(0..1);
            expected.push(b'0');
        }
        assert!(*draft == *expected);
        assert!(draft.capacity() <= expected.len() + expected.len() / 8 + 8, "{}", draft.capacity());
        draft.truncate(3);
        draft.shrink_to_fit();
        assert_eq!((draft.capacity(), &*draft), (3, &b"0 0"[..]));
        assert!(draft.room.capacity() < 100, "{}", draft.room.capacity());
    }
}
