//! Files under way.

use std::time::Instant;

use super::{App, Kind};
use crate::{
    faces::{
        pending::Pending,
        words::{self, Speed},
    },
    runtime::{Transfer, TransferState, Way},
};

/// Cells of a gauge.
const GAUGE: usize = 10;

/// A file under way, as the status line shows it.
#[derive(Clone, Debug)]
pub(in super::super) struct Moving {
    transfer: Transfer,
    speed: Speed,
}

impl App {
    pub(super) fn transfer(&mut self, room: &str, transfer: Transfer, pending: &Pending) {
        pending.transfer(&transfer);
        if transfer.state.is_final() {
            self.gallery.look_again();
        }
        let (number, now) = (transfer.number, Instant::now());
        let before = self.moving.get(&number).map(|moving| moving.transfer.state.clone());
        if before.as_ref() != Some(&transfer.state)
            && let Some(told) = words::transfer(&transfer)
        {
            let kind =
                if matches!(transfer.state, TransferState::Stopped(_)) { Kind::Alarm } else { Kind::Info };
            self.tell(room, kind, told);
        }
        if transfer.state != TransferState::Running {
            self.moving.remove(&number);
            return;
        }
        let speed = self.moving.remove(&number).map(|moving| moving.speed);
        let mut speed = speed.unwrap_or_else(|| Speed::start(&transfer, now));
        speed.at(&transfer, now);
        self.moving.insert(number, Moving { transfer, speed });
    }

    /// How far files are, for the status line: the first of them, and how many others there are.
    pub(in super::super) fn gauge(&self) -> Option<String> {
        let Moving { transfer: Transfer { name, way, size, done, .. }, speed } =
            self.moving.values().next()?;
        let arrow = if matches!(way, Way::Up(_)) { "↑" } else { "↓" };
        let others = match self.moving.len().saturating_sub(1) {
            0 => String::new(),
            others => format!(" +{others}"),
        };
        let gauge = words::gauge(*done, *size, GAUGE);
        let speed = speed.told(size.saturating_sub(*done));
        let told =
            format!("{arrow} {} {gauge} {} % {speed}", words::called(name), words::percent(*done, *size));
        Some(format!("{}{others}", told.trim_end()))
    }
}
