"""The ways out: texts through Twilio, mail through an SMTP relay; both on the letterhead."""
