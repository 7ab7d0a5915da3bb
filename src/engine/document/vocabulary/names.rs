//! Every name that a drawing may use: the one table that misspelt names are compared with.
//!
//! Names are those of SVG 1.1, SVG Tiny 1.2 and SVG 2 with its drafts, of CSS, and of the language.
//! What is listed is never reported, whether it is drawn or not.

/// Elements of SVG, and the attributes that each has beside [`GLOBAL`] and [`PRESENTATION`].
pub(crate) const ELEMENTS: &[(&str, &str)] = &[
    ("a", "href target rel download hreflang type ping referrerpolicy transform"),
    ("altGlyph", "x y dx dy rotate glyphRef format href"),
    ("altGlyphDef", ""),
    ("altGlyphItem", ""),
    ("animate", ANIMATION),
    ("animateColor", ANIMATION),
    ("animateMotion", ANIMATION),
    ("animateTransform", ANIMATION),
    ("animation", "x y width height preserveAspectRatio href initialVisibility"),
    ("audio", "src href type preload autoplay loop muted controls crossorigin volume"),
    ("canvas", "width height preserveAspectRatio"),
    ("circle", "cx cy r pathLength transform"),
    ("clipPath", "clipPathUnits transform"),
    ("color-profile", "local name rendering-intent href"),
    ("cursor", "x y href"),
    ("defs", "transform"),
    ("desc", ""),
    ("discard", "begin href"),
    ("ellipse", "cx cy rx ry pathLength transform"),
    ("feBlend", "in in2 mode no-composite x y width height result"),
    ("feColorMatrix", "in type values x y width height result"),
    ("feComponentTransfer", "in x y width height result"),
    ("feComposite", "in in2 operator k1 k2 k3 k4 x y width height result"),
    (
        "feConvolveMatrix",
        "in order kernelMatrix divisor bias targetX targetY edgeMode kernelUnitLength preserveAlpha \
         x y width height result",
    ),
    (
        "feDiffuseLighting",
        "in surfaceScale diffuseConstant kernelUnitLength x y width height result",
    ),
    ("feDisplacementMap", "in in2 scale xChannelSelector yChannelSelector x y width height result"),
    ("feDistantLight", "azimuth elevation"),
    ("feDropShadow", "in dx dy stdDeviation x y width height result"),
    ("feFlood", "x y width height result"),
    ("feFuncA", TRANSFER),
    ("feFuncB", TRANSFER),
    ("feFuncG", TRANSFER),
    ("feFuncR", TRANSFER),
    ("feGaussianBlur", "in stdDeviation edgeMode x y width height result"),
    ("feImage", "href preserveAspectRatio crossorigin fetchpriority x y width height result"),
    ("feMerge", "x y width height result"),
    ("feMergeNode", "in"),
    ("feMorphology", "in operator radius x y width height result"),
    ("feOffset", "in dx dy x y width height result"),
    ("fePointLight", "x y z"),
    (
        "feSpecularLighting",
        "in surfaceScale specularConstant specularExponent kernelUnitLength x y width height result",
    ),
    ("feSpotLight", "x y z pointsAtX pointsAtY pointsAtZ specularExponent limitingConeAngle"),
    ("feTile", "in x y width height result"),
    ("feTurbulence", "baseFrequency numOctaves seed stitchTiles type x y width height result"),
    ("filter", "filterUnits primitiveUnits filterRes x y width height href"),
    ("flowDiv", ""),
    ("flowLine", ""),
    ("flowPara", ""),
    ("flowRef", "href"),
    ("flowRegion", ""),
    ("flowRegionBreak", ""),
    ("flowRegionExclude", ""),
    ("flowRoot", "transform"),
    ("flowSpan", ""),
    ("flowTref", "href"),
    ("font", "horiz-origin-x horiz-origin-y horiz-adv-x vert-origin-x vert-origin-y vert-adv-y"),
    (
        "font-face",
        "unicode-range units-per-em panose-1 stemv stemh slope cap-height x-height accent-height \
         ascent descent widths bbox ideographic alphabetic mathematical hanging v-ideographic \
         v-alphabetic v-mathematical v-hanging underline-position underline-thickness \
         strikethrough-position strikethrough-thickness overline-position overline-thickness",
    ),
    ("font-face-format", "string"),
    ("font-face-name", "name"),
    ("font-face-src", ""),
    ("font-face-uri", "href"),
    ("foreignObject", "x y width height transform"),
    ("g", "transform"),
    (
        "glyph",
        "unicode glyph-name d orientation arabic-form horiz-adv-x vert-origin-x vert-origin-y \
         vert-adv-y",
    ),
    ("glyphRef", "x y dx dy glyphRef format href"),
    ("handler", "type ev:event"),
    ("hatch", "x y pitch rotate hatchUnits hatchContentUnits transform href"),
    ("hatchpath", "d offset"),
    ("hkern", "u1 g1 u2 g2 k"),
    ("iframe", "src width height href"),
    (
        "image",
        "x y width height preserveAspectRatio href crossorigin decoding fetchpriority type opacity \
         transform",
    ),
    ("line", "x1 y1 x2 y2 pathLength transform"),
    ("linearGradient", "x1 y1 x2 y2 gradientUnits gradientTransform spreadMethod href"),
    ("link", "href rel type media title crossorigin integrity as"),
    ("listener", "event observer target handler phase propagate defaultAction"),
    ("marker", "markerUnits markerWidth markerHeight refX refY orient viewBox preserveAspectRatio"),
    ("mask", "maskUnits maskContentUnits x y width height"),
    ("mesh", "x y gradientUnits transform href"),
    ("meshgradient", "x y gradientUnits gradientTransform type href"),
    ("meshpatch", ""),
    ("meshrow", ""),
    ("metadata", ""),
    ("missing-glyph", "d horiz-adv-x vert-origin-x vert-origin-y vert-adv-y"),
    ("mpath", "href"),
    ("path", "d pathLength transform"),
    (
        "pattern",
        "x y width height patternUnits patternContentUnits patternTransform viewBox \
         preserveAspectRatio href",
    ),
    ("polygon", "points pathLength transform"),
    ("polyline", "points pathLength transform"),
    ("prefetch", "mediaSize mediaTime mediaCharacterEncoding mediaContentEncodings bandwidth href"),
    ("radialGradient", "cx cy r fx fy fr gradientUnits gradientTransform spreadMethod href"),
    ("rect", "x y width height rx ry pathLength transform"),
    ("script", "type href src crossorigin async defer nonce integrity charset language"),
    ("set", ANIMATION),
    ("solidColor", ""),
    ("solidcolor", ""),
    ("source", "src type media srcset sizes"),
    ("stop", "offset path"),
    ("style", "type media title nonce blocking"),
    (
        "svg",
        "x y width height viewBox preserveAspectRatio zoomAndPan version baseProfile transform \
         contentScriptType contentStyleType playbackOrder timelineBegin snapshotTime \
         enable-background",
    ),
    ("switch", "transform"),
    ("symbol", "viewBox preserveAspectRatio refX refY x y width height transform"),
    ("tbreak", ""),
    ("text", "x y dx dy rotate textLength lengthAdjust editable transform"),
    ("textArea", "x y width height editable transform"),
    ("textPath", "href startOffset method spacing path side textLength lengthAdjust"),
    ("title", ""),
    ("track", "src kind srclang label default"),
    ("tref", "href x y dx dy rotate textLength lengthAdjust"),
    ("tspan", "x y dx dy rotate textLength lengthAdjust"),
    ("unknown", ""),
    ("use", "x y width height href transform"),
    (
        "video",
        "src href type width height x y preserveAspectRatio preload autoplay loop muted controls \
         crossorigin poster playsinline",
    ),
    ("view", "viewBox preserveAspectRatio zoomAndPan viewTarget"),
    ("vkern", "u1 g1 u2 g2 k"),
];

const ANIMATION: &str = "attributeName attributeType begin dur end min max restart repeatCount \
    repeatDur calcMode values keyTimes keySplines keyPoints from to by additive accumulate fill \
    type path origin rotate href";

const TRANSFER: &str = "type tableValues slope intercept amplitude exponent offset";

/// Attributes of every element. Those of HTML that SVG 2 takes over are among them.
pub(crate) const GLOBAL: &str = "id class style lang tabindex role autofocus nonce slot part is \
    itemid itemprop itemref itemscope itemtype title hidden inert dir translate draggable \
    contenteditable spellcheck accesskey exportparts popover \
    requiredFeatures requiredExtensions requiredFonts requiredFormats systemLanguage \
    externalResourcesRequired focusable focusHighlight nav-next nav-prev nav-up nav-up-right \
    nav-right nav-down-right nav-down nav-down-left nav-left nav-up-left \
    about content datatype property rel resource rev typeof vocab prefix inlist \
    syncBehavior syncBehaviorDefault syncMaster syncTolerance syncToleranceDefault transformBehavior \
    overlay initialVisibility bandwidth mediaSize mediaTime mediaCharacterEncoding \
    mediaContentEncodings xmlns base space";

/// Properties that may also stand as attributes.
pub(crate) const PRESENTATION: &str = "alignment-baseline baseline-shift clip clip-path clip-rule \
    color color-interpolation color-interpolation-filters color-profile color-rendering cursor \
    direction display dominant-baseline enable-background fill fill-opacity fill-rule filter \
    flood-color flood-opacity font font-family font-size font-size-adjust font-stretch font-style \
    font-variant font-weight glyph-orientation-horizontal glyph-orientation-vertical \
    image-rendering isolation kerning letter-spacing lighting-color marker marker-end marker-mid \
    marker-start mask mask-type mix-blend-mode opacity overflow paint-order pointer-events \
    shape-rendering stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset \
    stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor \
    text-decoration text-overflow text-rendering transform-box transform-origin unicode-bidi \
    vector-effect visibility white-space word-spacing writing-mode \
    audio-level buffered-rendering display-align line-increment solid-color solid-opacity \
    text-align viewport-fill viewport-fill-opacity";

/// Further properties of style sheets.
pub(crate) const PROPERTIES: &str = "accent-color align-content align-items align-self all animation \
    animation-composition animation-delay animation-direction animation-duration \
    animation-fill-mode animation-iteration-count animation-name animation-play-state \
    animation-range animation-timeline animation-timing-function appearance aspect-ratio \
    backdrop-filter backface-visibility background background-attachment background-blend-mode \
    background-clip background-color background-image background-origin background-position \
    background-position-x background-position-y background-repeat background-size baseline-source \
    block-size border border-block border-block-end border-block-start border-bottom \
    border-bottom-color border-bottom-left-radius border-bottom-right-radius border-bottom-style \
    border-bottom-width border-collapse border-color border-image border-image-outset \
    border-image-repeat border-image-slice border-image-source border-image-width border-inline \
    border-inline-end border-inline-start border-left border-left-color border-left-style \
    border-left-width border-radius border-right border-right-color border-right-style \
    border-right-width border-spacing border-style border-top border-top-color \
    border-top-left-radius border-top-right-radius border-top-style border-top-width border-width \
    bottom box-decoration-break box-shadow box-sizing break-after break-before break-inside \
    caption-side caret-color clear color-adjust color-scheme column-count column-fill column-gap \
    column-rule column-rule-color column-rule-style column-rule-width column-span column-width \
    columns contain container container-name container-type content content-visibility \
    counter-increment counter-reset counter-set cx cy d empty-cells field-sizing flex flex-basis \
    flex-direction flex-flow flex-grow flex-shrink flex-wrap float font-display \
    font-feature-settings font-kerning font-language-override font-optical-sizing font-palette \
    font-synthesis font-synthesis-small-caps font-synthesis-style font-synthesis-weight \
    font-variant-alternates font-variant-caps font-variant-east-asian font-variant-emoji \
    font-variant-ligatures font-variant-numeric font-variant-position font-variation-settings \
    font-width forced-color-adjust gap grid grid-area grid-auto-columns grid-auto-flow \
    grid-auto-rows grid-column grid-column-end grid-column-gap grid-column-start grid-gap grid-row \
    grid-row-end grid-row-gap grid-row-start grid-template grid-template-areas \
    grid-template-columns grid-template-rows hanging-punctuation height hyphenate-character \
    hyphens image-orientation image-resolution ime-mode initial-letter inline-size inset \
    inset-block inset-inline interpolate-size justify-content justify-items justify-self left \
    layout-flow line-break line-clamp line-height list-style list-style-image list-style-position \
    list-style-type margin margin-block margin-bottom margin-inline margin-left margin-right \
    margin-top mask-border mask-clip mask-composite mask-image mask-mode mask-origin mask-position \
    mask-repeat mask-size math-depth math-style max-block-size max-height max-inline-size max-width \
    min-block-size min-height min-inline-size min-width mso-style-name object-fit object-position \
    offset offset-anchor offset-distance offset-path offset-position offset-rotate order orphans \
    outline outline-color outline-offset outline-style outline-width overflow-anchor \
    overflow-clip-margin overflow-wrap overflow-x overflow-y overscroll-behavior padding \
    padding-block padding-bottom padding-inline padding-left padding-right padding-top page \
    page-break-after page-break-before page-break-inside perspective perspective-origin \
    place-content place-items place-self position print-color-adjust quotes r resize right rotate \
    row-gap ruby-align ruby-position rx ry scale scroll-behavior scroll-margin scroll-padding \
    scroll-snap-align scroll-snap-type scrollbar-color scrollbar-gutter scrollbar-width \
    shape-image-threshold shape-inside shape-margin shape-outside shape-padding shape-subtract size \
    speak src stroke-alignment stroke-dashadjust stroke-dashcorner tab-size table-layout \
    text-align-all text-align-last text-autospace text-box text-combine-upright \
    text-decoration-color text-decoration-fill text-decoration-line text-decoration-skip-ink \
    text-decoration-stroke text-decoration-style text-decoration-thickness text-emphasis \
    text-emphasis-color text-emphasis-position text-emphasis-style text-indent text-justify \
    text-orientation text-shadow text-size-adjust text-spacing-trim text-transform \
    text-underline-offset text-underline-position text-wrap text-wrap-mode text-wrap-style top \
    touch-action transform transform-style transition transition-behavior transition-delay \
    transition-duration transition-property transition-timing-function translate unicode-range \
    user-select vertical-align view-timeline view-transition-name white-space-collapse widows width \
    will-change word-break word-wrap x y z-index zoom block-progression";

/// Elements of the language, and the attributes that each has. `+` stands where others are the
/// author's own; elsewhere an attribute that is not listed has no meaning.
pub(crate) const LANGUAGE: &[(&str, &str)] = &[
    ("object", "id type system upstream behavior physics name layer state highlight +"),
    ("geometry", "x y z width height depth type unit"),
    ("tags", "+"),
    ("tag", "name value +"),
    ("properties", "+"),
    ("property", "name value unit +"),
    ("behavior", "id +"),
    ("variables", "+"),
    ("variable", "name value unit +"),
    ("calculations", "+"),
    ("calculation", "name formula unit +"),
    ("triggers", "+"),
    ("trigger", "event action target condition delay name value variable formula message unit +"),
    ("physics", "id friction restitution velocity spin motion +"),
    ("mass", "value unit"),
    ("friction", "value unit +"),
    ("elasticity", "value unit +"),
    ("anchor", "id type point at normal axis to length"),
    ("forces", "+"),
    (
        "force",
        "id name type direction magnitude value unit at profile start duration frequency period \
         phase",
    ),
    ("constraints", "id +"),
    ("constraint", "id type of value formula unit soft point at normal axis to length +"),
    ("point", "id x y"),
    (
        "system",
        "id type name network fluid friction max-drop max-velocity min-pressure max-pressure \
         max-deflection +",
    ),
    ("components", "+"),
    (
        "component",
        "ref type head level pressure flow elevation voltage fault xr phases power pf model \
         temperature capacity heat fixed load push moment curve speed open max-drop min-pressure \
         max-pressure diameter area min-level max-level pattern pattern-step swing period peak start +",
    ),
    ("connections", "+"),
    ("controls", "clock"),
    ("control", "id of set when else"),
    ("results", "tier state solved balance energy"),
    ("result", "of name value unit error"),
    (
        "connection",
        "id from to type at normal axis length rise diameter roughness minor kv k open size \
         material resistance reactance phases pressure flow conductance u area modulus inertia \
         load hinges power primary secondary impedance loss group tap layers film-outside \
         film-inside ampacity breaker breaking max-velocity max-deflection +",
    ),
    ("layers", "id"),
    ("layer", "id name color line-width line-type visible printable locked"),
    (
        "dimensions",
        "id style scale layer color unit decimals text-height line-width arrow ends beyond gap \
         spacing fraction",
    ),
    (
        "dimension",
        "id type of at drives direction prefix suffix places reference tolerance style scale layer \
         color unit decimals text-height line-width arrow ends beyond gap spacing fraction",
    ),
    ("attribute", "id name value x y size anchor rotate hidden"),
    ("sheet", "id size orientation scale frame"),
    ("view", "id of x y scale"),
    ("title-block", "id width +"),
];

/// Attributes of the language on elements of SVG.
pub(crate) const ON_SHAPES: &str = "object type system upstream layer precision behavior physics \
    units scale state highlight component";

/// Colours by name.
pub(crate) const COLOURS: &str = "aliceblue antiquewhite aqua aquamarine azure beige bisque black \
    blanchedalmond blue blueviolet brown burlywood cadetblue chartreuse chocolate coral \
    cornflowerblue cornsilk crimson cyan darkblue darkcyan darkgoldenrod darkgray darkgreen darkgrey \
    darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon darkseagreen \
    darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink deepskyblue dimgray \
    dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold goldenrod \
    gray green greenyellow grey honeydew hotpink indianred indigo ivory khaki lavender \
    lavenderblush lawngreen lemonchiffon lightblue lightcoral lightcyan lightgoldenrodyellow \
    lightgray lightgreen lightgrey lightpink lightsalmon lightseagreen lightskyblue lightslategray \
    lightslategrey lightsteelblue lightyellow lime limegreen linen magenta maroon mediumaquamarine \
    mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue mediumspringgreen \
    mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin navajowhite navy \
    oldlace olive olivedrab orange orangered orchid palegoldenrod palegreen paleturquoise \
    palevioletred papayawhip peachpuff peru pink plum powderblue purple rebeccapurple red rosybrown \
    royalblue saddlebrown salmon sandybrown seagreen seashell sienna silver skyblue slateblue \
    slategray slategrey snow springgreen steelblue tan teal thistle tomato turquoise violet wheat \
    white whitesmoke yellow yellowgreen none currentcolor transparent inherit";
