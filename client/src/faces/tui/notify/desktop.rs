//! Notifications of the desktop, from a thread of their own: whoever answers for the desktop may be slow or absent, and
//! neither may hold up the screen. What cannot be shown is not shown.

use std::sync::mpsc::{SyncSender, sync_channel};

use notify_rust::Notification;

/// Notifications that wait for the desktop. Full: more are dropped, the terminal has told them as well.
const WAITING: usize = 4;

/// How long a notification stays, in milliseconds, where the desktop heeds it.
const SHOWN_MS: i32 = 8_000;

/// The thread that talks to the desktop; it ends with this.
pub(super) struct Desktop(SyncSender<String>);

impl Desktop {
    /// Starts it. None where there is no desktop to talk to.
    pub(super) fn start() -> Option<Self> {
        if cfg!(all(unix, not(target_os = "macos"))) {
            let has = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            // Without a display a bus would start programs for nobody.
            if !has("DBUS_SESSION_BUS_ADDRESS") || !(has("DISPLAY") || has("WAYLAND_DISPLAY")) {
                return None;
            }
        }
        let (sender, texts) = sync_channel::<String>(WAITING);
        let speak = move || {
            while let Ok(text) = texts.recv() {
                // Bodies may be read as a kind of HTML.
                let body = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                let mut notification = Notification::new();
                notification.appname("schat").summary("schat").body(&body).timeout(SHOWN_MS);
                let shown = notification.show();
                // Nobody is there: the terminal told it as well.
                drop(shown);
            }
        };
        std::thread::Builder::new().name("desktop".to_owned()).spawn(speak).ok()?;
        Some(Self(sender))
    }

    /// Shows a text, unless too many wait.
    pub(super) fn tell(&self, text: String) {
        let _ = self.0.try_send(text);
    }
}
