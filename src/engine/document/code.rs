//! The code of every finding: one line each, from which `docs/language.md` is made.

use std::fmt;

use serde::{Serialize, Serializer};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably a mistake; the document is still used.
    Warning,
    /// The document, or this part of it, cannot be used.
    Error,
}

impl Severity {
    /// The word that clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Declares [`Code`]: variant, text, severities, meaning, and the codes that it repeats.
macro_rules! codes {
    ($(
        $code:ident $text:literal $($severity:ident)|+, $meaning:literal
            $(, repeats $($repeated:ident)|+)?;
    )+) => {
        /// What kind of finding a [`Diagnostic`](super::Diagnostic) is. The texts are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $code,)+
        }

        impl Code {
            /// All codes, in the order of the documentation.
            pub const ALL: &[Code] = &[$(Code::$code,)+];

            /// The text that clients see, such as `duplicate-id`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$code => $text,)+ }
            }

            /// How bad a finding with this code can be.
            pub const fn severities(self) -> &'static [Severity] {
                match self { $(Code::$code => &[$(Severity::$severity),+],)+ }
            }

            /// What the finding means, in one line.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$code => $meaning,)+ }
            }

            /// Codes that another part of the engine gives the same mistake.
            pub const fn repeats(self) -> &'static [Code] {
                match self { $(Code::$code => &[$($(Code::$repeated),+)?],)+ }
            }
        }
    };
}

codes! {
    Encoding "encoding" Error, "the bytes are not UTF-8 and not what a byte order mark or the XML declaration says, or are not sound gzip";
    XmlSyntax "xml-syntax" Error, "XML that is not well formed, where no other code is more exact";
    XmlCharacter "xml-character" Error, "a character that XML does not allow";
    XmlUnclosed "xml-unclosed" Error, "the text ends inside an element";
    XmlCloseTag "xml-close-tag" Error, "a closing tag without its opening tag";
    XmlEmpty "xml-empty" Error, "there is no element in the text";
    XmlDuplicateAttribute "xml-duplicate-attribute" Error, "an attribute occurs twice on one element";
    XmlEntity "xml-entity" Error, "an entity that is not defined, is malformed or is external";
    EntityLoop "entity-loop" Error, "entities that contain each other";
    EntityMarkup "entity-markup" Error, "an entity that contains elements";
    ExternalEntity "external-entity" Warning, "an entity that refers to a file or an address; it is never fetched";
    UndeclaredPrefix "undeclared-prefix" Error | Warning, "a prefix without a declaration; a warning where its usual meaning is assumed";
    NamespaceAlias "namespace-alias" Warning, "an older namespace of the language";
    MissingNamespace "missing-namespace" Warning, "`svg` is in no namespace";
    SvgxRoot "svgx-root" Warning, "the root element is `svgx`";
    NotSvg "not-svg" Error, "the root element is neither `svg` nor `svgx`";
    NotSvgx "not-svgx" Error, "JSON that is not a drawing";
    Json "json" Error, "JSON that is not well formed";
    JsonType "json-type" Error, "a list or an object was expected";
    JsonUnknown "json-unknown" Warning, "a JSON member without meaning; dropped";
    InstructionDropped "instruction-dropped" Warning, "a processing instruction";
    ScriptIgnored "script-ignored" Warning, "a script; it never runs";
    TwoValues "two-values" Warning, "a value given both as text and as an attribute, or twice in JSON; the attribute or the first one is used";
    LimitBytes "limit-bytes" Error, "see Limits";
    LimitDepth "limit-depth" Error, "see Limits";
    LimitElements "limit-elements" Error, "see Limits";
    LimitAttributes "limit-attributes" Error, "see Limits";
    LimitAttributeBytes "limit-attribute-bytes" Error, "see Limits";
    LimitPictureBytes "limit-picture-bytes" Error, "see Limits";
    LimitExpansionBytes "limit-expansion-bytes" Error, "see Limits";
    LimitEntities "limit-entities" Error, "see Limits";
    LimitNamespaces "limit-namespaces" Error, "see Limits";
    MissingSize "missing-size" Warning, "the root has neither `viewBox` nor `width` and `height`";
    DuplicateId "duplicate-id" Error, "an id that is already used";
    BadId "bad-id" Error, "an id that is empty or contains white space";
    MissingAttribute "missing-attribute" Error | Warning, "a required attribute or member is missing";
    UnknownElement "unknown-element" Warning, "an unknown element in the namespace of SVG or of the language";
    UnknownAttribute "unknown-attribute" Warning | Note, "an attribute that is nearly one of its element; a note for a measure of another shape, and for one that an element of the language does not read";
    UnknownProperty "unknown-property" Warning, "a property in `style` or a style sheet that is nearly one of CSS";
    PropertyValue "property-value" Warning, "a value that its property does not take; it is ignored, as browsers do";
    UnknownEvent "unknown-event" Note, "an event of one's own that is nearly one of the engine";
    UnknownLayer "unknown-layer" Warning, "a layer that is not one of the usual ones";
    UnknownSystem "unknown-system" Warning, "a system that is not one of the usual ones";
    UnknownObject "unknown-object" Error | Warning, "no object has that id; a warning for a component with a type of its own";
    UnknownBehavior "unknown-behavior" Error | Warning, "no behavior has that id; a warning beside `behavior_config`";
    UnknownPhysics "unknown-physics" Warning, "no physics has that id";
    CircularUpstream "circular-upstream" Error, "objects that feed each other";
    UnknownConnectionEnd "unknown-connection-end" Error, "a connection to something that does not exist";
    BadPrecision "bad-precision" Error, "`arx:precision` is not a number with mm, cm, m, in or ft";
    BadScale "bad-scale" Error, "`arx:scale` is not a positive number or ratio, or `arx:units` of the root is not a unit of length";
    UnknownUnit "unknown-unit" Error, "a unit that is not in the table", repeats BadLength;
    ForeignReference "foreign-reference" Warning, "`use` of another file";
    UnknownElementId "unknown-element-id" Warning, "`use` of an element that does not exist";
    CircularUse "circular-use" Error, "`use` of an element that contains it";
    BadName "bad-name" Error, "the name of a variable or calculation is not an identifier";
    DuplicateName "duplicate-name" Error, "two values with one name in a behavior";
    MissingValue "missing-value" Error, "a variable without a value, or a calculation without a formula";
    BadEvent "bad-event" Error, "an event name with other characters than letters, digits, `_`, `-`, `.`";
    UnknownAction "unknown-action" Warning, "an action that is not in the list; `check` reports `trigger-action`";
    UnknownTarget "unknown-target" Error, "the target of a trigger is not in the drawing";
    BadDelay "bad-delay" Error, "a delay that is not a number from 0";
    BadMass "bad-mass" Error, "a mass that is not a positive number";
    UnknownAnchor "unknown-anchor" Error, "an anchor that is not a known place, id or point";
    BadForce "bad-force" Error, "a force without name and magnitude, or with a bad direction or magnitude";
    NameInvalid "name-invalid" Error, "as `bad-name`, and names that formulas reserve", repeats BadName;
    Redefinition "redefinition" Error, "as `duplicate-name`", repeats DuplicateName;
    VariableValue "variable-value" Error, "a variable that is not a number", repeats MissingValue;
    LimitFormulaBytes "limit-formula-bytes" Error, "see Limits";
    LimitFormulaDepth "limit-formula-depth" Error, "see Limits";
    FormulaSyntax "formula-syntax" Error, "a formula that does not parse", repeats MissingValue;
    FormulaNumber "formula-number" Error, "a number beyond the range of binary64";
    FormulaArguments "formula-arguments" Error, "a function with too few or too many arguments";
    FormulaType "formula-type" Error, "a truth value where a number is needed, or the other way round";
    FormulaCycle "formula-cycle" Error, "formulas that need each other, or the formula of a constraint that reads what is measured";
    UnknownFunction "unknown-function" Error, "no function has that name";
    UnknownName "unknown-name" Error, "no value has that name";
    NotFinite "not-finite" Error, "in results: the value is not a finite number";
    DependsOnError "depends-on-error" Error, "in results: the formula reads a value that has an error";
    UnitMismatch "unit-mismatch" Error, "dimensions that do not fit";
    UnitArgument "unit-argument" Error, "a function that takes a plain number got a quantity";
    UnitExponent "unit-exponent" Error, "a power whose unit cannot be determined";
    UnitRoot "unit-root" Error, "a root whose unit has no whole exponents";
    UnitRange "unit-range" Error, "exponents of a unit beyond -128 to 127";
    TemperatureScaled "temperature-scaled" Error, "a temperature as part of a larger unit where its zero matters";
    TemperaturePoint "temperature-point" Warning, "a temperature in C or F is multiplied by its written value";
    UnitAssumed "unit-assumed" Warning, "a variable without a unit takes that of its neighbour";
    HandConversion "hand-conversion" Note, "a factor such as 1000 is read as the author's own conversion";
    TriggerEvent "trigger-event" Error, "as `bad-event`, or longer than 64 bytes", repeats BadEvent;
    TriggerAction "trigger-action" Error, "an action that the engine does not have", repeats UnknownAction | MissingAttribute;
    TriggerAttribute "trigger-attribute" Error, "`set-attribute` of a name that may not be set";
    TriggerDelay "trigger-delay" Error, "a delay that is not a time from 0 to 366 days", repeats BadDelay;
    TriggerParameter "trigger-parameter" Error, "an action or condition without a parameter that it needs", repeats MissingAttribute;
    TriggerTarget "trigger-target" Error, "as `unknown-target`", repeats UnknownTarget;
    BadLength "bad-length" Error, "not a length, or a negative one where that is not allowed";
    BadPath "bad-path" Error, "path data with an error; drawn up to there";
    BadPoints "bad-points" Error, "a list of points with an error; drawn up to there";
    BadTransform "bad-transform" Error, "not a transform; not applied";
    BadViewbox "bad-viewbox" Error, "not a `viewBox`";
    CyclicUse "cyclic-use" Error, "as `circular-use`", repeats CircularUse;
    DanglingUse "dangling-use" Warning, "`use` of something that cannot be drawn", repeats UnknownElementId;
    GeometryIncomplete "geometry-incomplete" Warning, "the geometry of an object has no width or height, and no shape draws it";
    NotAnSvgUnit "not-an-svg-unit" Warning, "a length in m or ft on a shape: browsers ignore it";
    GeometryLimit "geometry-limit" Error, "the `instances` or another limit while resolving the drawing";
    DrawnDifferently "drawn-differently" Warning, "a feature that pictures show otherwise than browsers: which, and how";
    MissingGlyph "missing-glyph" Warning, "letters that no font at hand has a glyph for; an empty box is drawn";
    FontNotFound "font-not-found" Warning | Note, "a font or face that is not at hand, and what is drawn instead; a note where the text states none";
    ImageNotDrawn "image-not-drawn" Warning, "a picture that is not drawn, and why";
    PhysicsMass "physics-mass" Error, "not a positive mass, or too large", repeats BadMass;
    PhysicsMassMissing "physics-mass-missing" Warning, "a free body without mass gets 1 kg";
    PhysicsValue "physics-value" Error, "another value of a body that is out of range", repeats BadMass | BadForce;
    PhysicsAnchor "physics-anchor" Error, "an anchor that the solver does not know, or that lacks something", repeats MissingAttribute | UnknownAnchor;
    PhysicsForce "physics-force" Error | Warning, "not a force; a warning for one out of the drawing", repeats BadForce;
    PhysicsGravity "physics-gravity" Warning, "a weight that disagrees with the mass";
    PhysicsConnection "physics-connection" Error, "a mechanical connection of something without physics", repeats UnknownConnectionEnd;
    PhysicsShape "physics-shape" Warning, "a body whose outline cannot carry mass or touch";
    PhysicsFar "physics-far" Warning, "a body too far from the origin";
    PhysicsLimit "physics-limit" Error, "the `bodies` or another limit while reading physics";
    ConstraintType "constraint-type" Error, "an unknown constraint type";
    ConstraintShape "constraint-shape" Error, "a shape that cannot be constrained, and why";
    ConstraintUnknownEntity "constraint-unknown-entity" Error, "a constraint of something that is not in the drawing";
    ConstraintUnknownFeature "constraint-unknown-feature" Error, "a part that the shape does not have";
    ConstraintArity "constraint-arity" Error, "too few, too many or the wrong things for the type, or a thing with itself";
    ConstraintValue "constraint-value" Error, "a value is missing, or is given beside a formula or where the type takes none";
    ConstraintUnit "constraint-unit" Error, "a value that is not a number, has a unit that does not fit, or has two units";
    ConstraintNumber "constraint-number" Error, "a coordinate or value beyond 1e9 mm";
    ConstraintNegative "constraint-negative" Error, "a distance, radius, width or height below zero";
    ConstraintAngle "constraint-angle" Error, "an angle outside 0 to 180 degrees";
    ConstraintZeroLength "constraint-zero-length" Error, "a line without length has no direction";
    ConstraintWeight "constraint-weight" Error, "`soft` is not a number above 0 and at most 1e6";
    ConstraintLimit "constraint-limit" Error, "the `constraints` or another limit";
    DimensionType "dimension-type" Error, "an unknown type or style of dimension";
    DimensionReference "dimension-reference" Error, "a dimension of something that is not in the drawing, or cannot be measured so: no number is shown";
    DimensionValue "dimension-value" Error, "an attribute of a dimension that cannot be read";
    DimensionDrives "dimension-drives" Error, "a dimension that drives a constraint which is not there, or has no value";
    DimensionLimit "dimension-limit" Error, "a measure of 1e9 mm or more, or more than 20 000 dimensions";
    DimensionZero "dimension-zero" Warning, "what is measured coincides";
    LayerValue "layer-value" Error, "an attribute of a layer that cannot be read";
    AttributeName "attribute-name" Warning, "a value of an attribute that the symbol does not have, or a template without a name";
    SheetValue "sheet-value" Error, "a size, scale or place of a sheet or a view that cannot be read";
    NetworkTerminal "network-terminal" Error, "an element of a network without the terminals that its kind needs";
    NetworkQuantity "network-quantity" Error, "a quantity of a network that is missing, cannot be read or cannot be";
    NetworkUnit "network-unit" Error | Warning, "a quantity of a network with a unit of another dimension; a warning for one without a unit";
    NetworkIsland "network-island" Warning, "a part of a network that no source reaches";
    NetworkNoSource "network-no-source" Warning, "a network in which nothing supplies anything";
    NetworkConflict "network-conflict" Error | Warning, "sources of a network that contradict each other";
    NetworkFloating "network-floating" Warning, "a part of a network whose pressure, temperature or voltage to earth nothing fixes";
    NetworkMechanism "network-mechanism" Error, "a frame, or a part of one, that can move without resistance";
    NetworkNoSolution "network-no-solution" Error, "more is asked of a network than it carries";
    NetworkCycle "network-cycle" Warning, "valves that go open and shut without end";
    NetworkPhase "network-phase" Error, "conductors that cannot be read, or a phase that is not supplied";
    NetworkRange "network-range" Error | Warning | Note, "a value outside of what the element or its model is made for; a note for a valve that holds";
    NetworkOverload "network-overload" Error | Warning, "more than an element of a network may carry";
    NetworkBreaking "network-breaking" Error | Warning, "a protective device that cannot break the fault current";
    NetworkDrop "network-drop" Error | Warning, "a voltage drop above its limit";
    NetworkControl "network-control" Error | Warning, "a control of what is not in its network, or with a condition that cannot be read";
    NetworkConditioning "network-conditioning" Error | Warning, "quantities so far apart that digits are lost";
    NetworkLimit "network-limit" Warning, "more findings of a network than are told";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Codes compare with their text.
impl PartialEq<&str> for Code {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}
