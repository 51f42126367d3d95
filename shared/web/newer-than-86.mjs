// newer-than-86.mjs - what came to Chromium after 86, the oldest that has to show the screens.
//
// Built files are searched for it (old-browsers.mjs), and it is taken out of the pages of the tests
// (tests/e2e/screens/harness.mjs), so that whatever still needs it fails there.

/** Owner in the page -> what it has had only since then. */
export const newerApi = {
  'Array.prototype': ['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'with'],
  'String.prototype': ['at', 'isWellFormed', 'toWellFormed'],
  'Int8Array.__proto__.prototype': ['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'with'],
  'ArrayBuffer.prototype': ['resize', 'transfer', 'transferToFixedLength'],
  'Set.prototype': ['union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom'],
  'Map.prototype': ['getOrInsert', 'getOrInsertComputed'],
  'Iterator.prototype': ['map', 'filter', 'take', 'drop', 'flatMap', 'reduce', 'toArray', 'forEach', 'some', 'every', 'find'],
  'AbortSignal.prototype': ['throwIfAborted', 'reason'],
  'Headers.prototype': ['getSetCookie'],
  'URLSearchParams.prototype': ['size'],
  'Crypto.prototype': ['randomUUID'],
  'Element.prototype': ['checkVisibility', 'setHTML', 'setHTMLUnsafe', 'getHTML', 'moveBefore'],
  'HTMLElement.prototype': ['showPopover', 'hidePopover', 'togglePopover', 'popover', 'inert', 'onscrollend', 'onbeforetoggle'],
  'HTMLInputElement.prototype': ['showPicker'],
  'HTMLSelectElement.prototype': ['showPicker'],
  'HTMLDialogElement.prototype': ['requestClose', 'closedBy'],
  'Document.prototype': ['startViewTransition', 'caretPositionFromPoint'],
  'CanvasRenderingContext2D.prototype': ['roundRect', 'reset', 'createConicGradient', 'letterSpacing', 'fontKerning'],
  'Navigator.prototype': ['userAgentData', 'scheduling', 'virtualKeyboard', 'windowControlsOverlay'],
  'Intl.NumberFormat.prototype': ['formatRange', 'formatRangeToParts'],
  Object: ['hasOwn', 'groupBy'],
  Map: ['groupBy'],
  Array: ['fromAsync'],
  Promise: ['withResolvers', 'try'],
  AbortSignal: ['timeout', 'any', 'abort'],
  URL: ['canParse', 'parse'],
  Response: ['json'],
  Error: ['isError'],
  RegExp: ['escape'],
  Uint8Array: ['fromBase64', 'fromHex'],
  Intl: ['Segmenter', 'DurationFormat', 'supportedValuesOf'],
  CSS: ['highlights'],
  window: [
    'structuredClone', 'reportError', 'scheduler', 'navigation', 'cookieStore', 'CloseWatcher', 'URLPattern', 'Highlight', 'EyeDropper', 'Iterator', 'Temporal',
    'TaskController', 'ToggleEvent', 'ViewTransition', 'WebTransport', 'VideoFrame', 'Float16Array', 'Sanitizer', 'SuppressedError'
  ]
}

/** Properties, values, selectors and rules of style; a sample of each, so that a test can show that it is found. */
export const newerStyle = [
  { what: 'inset and its logical kin (87)', find: /(?<=[{;])inset(-(inline|block))?(-(start|end))?:/, sample: 'a{inset:0}' },
  { what: 'margin-inline and other shorthands for two sides (87)', find: /(?<=[{;])(margin|padding|border|scroll-margin|scroll-padding)-(inline|block)(-(width|style|color))?:/, sample: 'a{color:red;margin-inline:1px}' },
  { what: 'aspect-ratio (88)', find: /(?<=[{;])aspect-ratio:/, sample: 'a{aspect-ratio:1}' },
  { what: ':is and :where (88)', find: /:(is|where)\(/, sample: ':where(a){}' },
  { what: ':not with several (88)', find: /:not\([^()]*,/, sample: 'a:not(b,c){}' },
  { what: 'overflow: clip (90)', find: /(?<=[{;])overflow(-[xy])?:[^;}]*\bclip\b/, sample: 'a{overflow-x:clip}' },
  { what: 'accent-color (93)', find: /(?<=[{;])accent-color:/, sample: 'a{accent-color:red}' },
  { what: 'scrollbar-gutter (94), scrollbar-width and -color (121)', find: /(?<=[{;])scrollbar-(gutter|width|color):/, sample: 'a{scrollbar-gutter:stable}' },
  { what: '@layer (99)', find: /@layer\b/, sample: '@layer a{}' },
  { what: 'translate, rotate and scale by themselves (104)', find: /(?<=[{;])(translate|rotate|scale):/, sample: 'a{rotate:1deg}' },
  { what: ':has (105)', find: /:has\(/, sample: 'a:has(b){}' },
  { what: '@container (105)', find: /@container\b|(?<=[{;])container(-type|-name)?:/, sample: 'a{container-type:size}' },
  { what: 'units of the small, large and dynamic window (108)', find: /[\d.][dsl]v([hwib]|min|max)\b/, sample: 'a{height:100dvh}' },
  { what: 'color-mix and relative colours (111, 119), light-dark (123)', find: /(color-mix|light-dark)\(|\((from) /, sample: 'a{color:color-mix(in srgb,red,blue)}' },
  { what: 'oklch and lab (111)', find: /\b(ok)?(lch|lab)\(/, sample: 'a{color:oklch(1 0 0)}' },
  { what: 'one selector inside another (112)', find: /[{;]\s*&/, sample: 'a{color:red;&:hover{color:blue}}' },
  { what: 'text-wrap (114), white-space-collapse (114)', find: /(?<=[{;])(text-wrap(-\w+)?|white-space-collapse):/, sample: 'a{text-wrap:balance}' },
  { what: ':user-valid (119), :dir (120)', find: /:user-(in)?valid|:dir\(/, sample: 'a:user-invalid{}' },
  { what: 'mask without its prefix (120)', find: /(?<=[{;])mask(-\w+)?:/, sample: 'a{mask:none}' },
  { what: 'field-sizing (123), @starting-style (117), anchors (125)', find: /(?<=[{;])field-sizing:|@starting-style|(?<=[{;])(anchor-name|position-anchor|position-area):/, sample: 'a{field-sizing:content}' },
  { what: 'subgrid (117), masonry', find: /(?<=[{;])grid-template(-\w+)?:[^;}]*\b(subgrid|masonry)\b/, sample: 'a{grid-template-rows:subgrid}' },
  { what: 'width: stretch and -webkit-less line-clamp', find: /(?<=[{;])line-clamp:/, sample: 'a{line-clamp:2}' }
]
