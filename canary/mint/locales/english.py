"""What a cold start in an English-speaking country takes beside Faker's names and places."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class English:
    """One country: Faker's locale, how dates are written, hospitals by share, and numbers that ring at nobody's.

    `fiction` are number beginnings (E.164) set aside for drama, each with as many digits open as `open_digits`;
    `shape` is how a national number is written, a 0 for each digit.
    """

    locale: str
    day: str
    hospitals: Mapping[str, float]
    fiction: tuple[str, ...]
    open_digits: int
    shape: str


_SAINTS = {"St Mary's Hospital": 5.0, "General Hospital": 4.0, "University Hospital": 4.0, "Women's Hospital": 3.0}

# 555-0100 to 555-0199 are fictitious in every area code (NANPA).
_AREAS = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 "
    "253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 "
    "321 323 325 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 "
    "419 423 425 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518"
)
US = English(
    locale="en_US",
    day="%m/%d/%Y",
    hospitals={**_SAINTS, "Memorial Medical Center": 4.0, "Mercy Medical Center": 2.0},
    fiction=tuple(f"+1{area}55501" for area in _AREAS.split()),
    open_digits=2,
    shape="(000) 000-0000",
)
# Ofcom's numbers for drama: mobiles only, for a register of mothers holds hardly any landline.
GB = English(
    locale="en_GB",
    day="%d/%m/%Y",
    hospitals={**_SAINTS, "Royal Infirmary": 4.0, "Queen Elizabeth Hospital": 2.0},
    fiction=("+447700900",),
    open_digits=3,
    shape="00000 000000",
)
