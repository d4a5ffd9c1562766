//! Which steps of streams are on their way, and when the next may begin.

use crate::limits;

/// Steps of streams that are on their way, or have just been: one of a stream at most.
#[derive(Clone, Debug, Default)]
pub(in crate::tenant) struct Flights {
    all: Vec<Flight>,
    /// Until when none begins, whatever is due.
    held_until: i64,
}

#[derive(Clone, Debug)]
struct Flight {
    stream: String,
    began: i64,
    is_over: bool,
}

impl Flights {
    /// From when on a stream's next step may begin.
    pub(super) fn until(&self, stream: &str) -> i64 {
        let until = |flight: &Flight| {
            let pause = match flight.is_over {
                true => limits::BATCH_PAUSE_MILLISECONDS,
                false => limits::BATCH_LOST_MILLISECONDS,
            };
            flight.began.saturating_add(pause)
        };
        let own = self.all.iter().find(|flight| flight.stream == stream).map_or(0, until);
        own.max(self.held_until)
    }

    /// When a stream's last step began.
    pub(super) fn began(&self, stream: &str) -> i64 {
        let mut of_stream = self.all.iter().filter(|flight| flight.stream == stream);
        of_stream.next().map_or(i64::MIN, |flight| flight.began)
    }

    /// Notes that a step begins.
    pub(super) fn begin(&mut self, stream: &str, began: i64) {
        self.all.retain(|flight| flight.stream != stream);
        self.all.push(Flight { stream: stream.to_owned(), began, is_over: false });
    }

    /// Notes the end of a step; whether it was still waited for.
    pub(super) fn end(&mut self, stream: &str, began: i64) -> bool {
        let mut flights = self.all.iter_mut().filter(|flight| flight.stream == stream);
        let flight = flights.find(|flight| flight.began == began && !flight.is_over);
        flight.map(|flight| flight.is_over = true).is_some()
    }

    /// Has none begin until then.
    pub(super) const fn hold(&mut self, until: i64) {
        self.held_until = until;
    }

    /// Has steps begin again.
    pub(in crate::tenant) const fn resume(&mut self) {
        self.held_until = 0;
    }
}
