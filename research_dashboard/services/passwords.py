"""Which passwords are taken: long ones, and none of those that are tried first (NIST SP 800-63B, 3.1.1.2)."""

import re

PASSWORD_LENGTHS = (12, 200)
COMMON = re.compile(
    r"p[a@4][s5$]{2}w[o0]r[dt]|passphrase|letmein|welcome|qwert[yz]|azerty|administrator|admin|changeme|iloveyou"
    r"|secret|research|dashboard"
)
ROWS = ("abcdefghijklmnopqrstuvwxyz", "0123456789", "1234567890", "qwertyuiopasdfghjklzxcvbnm")  # typed in a row
FEWEST_CHARACTERS = 5  # different ones


def why_not(password: str, name: str) -> str | None:
    """What is wrong with the password for the user of that name, and what would do; None when it is taken."""
    low, high = PASSWORD_LENGTHS
    if not low <= len(password) <= high:
        return f"A password has {low} to {high} characters; this one has {len(password)}."
    if why := _weakness(password.casefold(), name.strip().lower()):
        return f"{why}: it would soon be guessed. Four words that do not belong together do."
    return None


def _weakness(password: str, name: str) -> str | None:
    """What makes a password one that is tried first; None where nothing does."""
    length = len(password)
    if len(set(password)) < FEWEST_CHARACTERS:
        return f"It has fewer than {FEWEST_CHARACTERS} different characters"
    if any(password == (password[:n] * length)[:length] for n in range(1, length // 2 + 1)):
        return "It says the same again and again"
    if any(password in row * 20 or password[::-1] in row * 20 for row in ROWS):
        return "Its characters follow each other in the alphabet or on the keyboard"
    if len(name) > 2 and name in password and len(password.replace(name, "")) < PASSWORD_LENGTHS[0]:
        return "It is little more than the user's name"
    rest, common = COMMON.subn("", password)
    if common and len(set(re.sub(r"[\W\d_]", "", rest))) < FEWEST_CHARACTERS:
        return "It is little more than a common password"
    return None
