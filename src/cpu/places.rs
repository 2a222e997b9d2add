//! Places for weights in a memory that only grows. A model comes and goes as a whole, so no list of gaps is kept:
//! what is given back is used again when it was the last, or when nothing else is held.

/// Places begin on a line of the cache.
const LINE: usize = 64;

/// What is taken of a memory, in bytes.
#[derive(Debug)]
pub struct Places {
    start: usize,
    end: usize,
    held: usize,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Address of its first byte.
    pub start: usize,
    /// Its length.
    pub bytes: usize,
}

impl Places {
    /// None is taken; the first may begin at `start`.
    #[must_use]
    pub fn new(start: usize) -> Self {
        let start = start.next_multiple_of(LINE);
        Self { start, end: start, held: 0 }
    }

    /// Where everything is free.
    #[must_use]
    pub fn end(&self) -> usize {
        self.end
    }

    /// Takes the next `bytes`.
    pub fn take(&mut self, bytes: usize) -> Place {
        let place = Place { start: self.end, bytes };
        self.end += bytes.next_multiple_of(LINE);
        self.held += 1;
        place
    }

    /// Gives a place back.
    pub fn give_back(&mut self, place: Place) {
        self.held -= 1;
        if self.held == 0 {
            self.end = self.start;
        } else if place.start + place.bytes.next_multiple_of(LINE) == self.end {
            self.end = place.start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_went_leaves_the_memory_to_the_next() {
        let mut places = Places::new(200);
        let model = [places.take(100), places.take(64), places.take(1)];
        assert_eq!(model.map(|place| place.start), [256, 384, 448]);
        places.give_back(model[0]);
        assert_eq!(places.end(), 512, "others are behind it");
        places.give_back(model[2]);
        assert_eq!(places.end(), 448, "it was the last");
        places.give_back(model[1]);
        assert_eq!(places.end(), 256);
    }
}
