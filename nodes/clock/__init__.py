"""The clock: time base, sequencer of commands, flow control."""
