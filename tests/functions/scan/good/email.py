"""Named like a module of the standard library, which others must still get."""

from email.message import EmailMessage

from datetime import timedelta

from scheduler import schedule


@schedule(timedelta(minutes=1), name="mail")
def send():
    return EmailMessage()
