"""Strings that would run as a script somewhere, if anything let them: 200 of them, made from vectors and contexts."""

from itertools import product

CALL = "window.pwned=1"
VECTORS = [
    "<script>{call}</script>",
    "<ScRiPt >{call}</sCrIpT>",
    "<img src=x onerror={call}>",
    "<img src=x onerror='{call}'//",
    "<svg onload={call}>",
    "<svg><script>{call}</script></svg>",
    "<svg/onload={call}>",
    "<body onload={call}>",
    "<iframe srcdoc='<script>parent.{call}</script>'></iframe>",
    "<iframe src=javascript:parent.{call}></iframe>",
    "<a href=javascript:{call} autofocus onfocus={call}>x</a>",
    "<input autofocus onfocus={call}>",
    "<details open ontoggle={call}>",
    "<video><source onerror={call}></video>",
    "<math><mtext><img src=x onerror={call}></mtext></math>",
    "<style>@import 'x';</style><img src=x onerror={call}>",
    "<link rel=stylesheet href=x onerror={call}>",
    "<object data=javascript:{call}>",
    "<button hx-on:click={call} hx-trigger=load hx-get=/>x</button>",
    "<div hx-get=/ hx-trigger=load hx-vals='js:{{x:{call}}}'>x</div>",
]
CONTEXTS = [
    "{vector}",
    '">{vector}',
    "'>{vector}",
    "</title>{vector}",
    "</textarea>{vector}",
    "--></script>{vector}",
    "{{{{{vector}}}}}",
    "]]>{vector}",
    "\\u003c{vector}",
    "`${{{vector}}}",
]
XSS = [context.format(vector=vector.format(call=CALL)) for vector, context in product(VECTORS, CONTEXTS)]
FORMULAS = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(1)",
    '=HYPERLINK("http://evil.example")',
    "\t=1+1",
    "\r=1+1",
    "=cmd|' /C calc'!A0",
]
