// SPDX-License-Identifier: Apache-2.0

package dockerfile

import "github.com/zlayer/zlayer/sdk/gen/diagv1"

// Rule describes one kind of finding. Codes are for ever.
type Rule struct {
	// Code is the diagnostic's code, in kebab case.
	Code string
	// Severity is what it is reported with, unless "# check=error=true" makes
	// an error of a warning.
	Severity diagv1.Severity
	// BuildKit is the name of BuildKit's lint rule for the same thing, which
	// "# check=skip=" takes as well. "" when there is none.
	BuildKit string
	// Doc says in one line what is found.
	Doc string
}

// Rules returns all rules, errors first, each group in the order of what they
// look at.
func Rules() []Rule { return append([]Rule(nil), rules[:]...) }

// rule indexes rules.
type rule int

const (
	errorLevel   = diagv1.Severity_SEVERITY_ERROR
	warningLevel = diagv1.Severity_SEVERITY_WARNING
)

const (
	binaryFile rule = iota
	notUTF8
	foreignSyntax
	emptyFile
	noFrom
	beforeFrom
	invalidDirective
	emptyInstruction
	unknownInstruction
	unknownFlag
	duplicateFlag
	missingFlagValue
	invalidFlagValue
	missingArgument
	unexpectedArgument
	emptyArgument
	missingEquals
	emptyName
	unterminatedQuote
	badVariable
	unterminatedHeredoc
	heredocDestination
	jsonNotStrings
	jsonMalformed
	shellNotJSON
	invalidStageName
	stageCycle
	forwardStage
	unknownStage
	variableNotSupported
	invalidOnbuild
	invalidMount
	unknownMountOption
	invalidPlatform
	invalidDuration
	invalidNumber
	invalidMode
	invalidChecksum
	invalidPort
	invalidSignal
	invalidHealthcheck

	misplacedDirective
	jsonInvalid
	flagIgnored
	maintainerDeprecated
	stageNameCasing
	fromAsCasing
	duplicateStageName
	reservedStageName
	legacyKeyValueFormat
	emptyContinuation
	multipleInstructions
	jsonArgsRecommended
	consistentCasing
	exposeProtoCasing
	exposeInvalidFormat
	redundantTargetPlatform
)

var rules = [...]Rule{
	binaryFile:           {"binary-file", errorLevel, "", "the file holds NUL bytes and is no text"},
	notUTF8:              {"not-utf8", errorLevel, "", "an instruction holds bytes that are not UTF-8"},
	foreignSyntax:        {"foreign-syntax", errorLevel, "", "the file is JSON that asks for another frontend"},
	emptyFile:            {"empty-file", errorLevel, "", "the file has no instruction"},
	noFrom:               {"no-from", errorLevel, "", "no FROM begins a stage"},
	beforeFrom:           {"instruction-before-from", errorLevel, "", "an instruction other than ARG stands before the first FROM"},
	invalidDirective:     {"invalid-directive", errorLevel, "", "a parser directive is repeated or has a value it cannot have"},
	emptyInstruction:     {"empty-instruction", errorLevel, "", "a line continuation continues nothing"},
	unknownInstruction:   {"unknown-instruction", errorLevel, "", "a line begins with a word that is no instruction"},
	unknownFlag:          {"unknown-flag", errorLevel, "", "an instruction has no such flag"},
	duplicateFlag:        {"duplicate-flag", errorLevel, "", "a flag is given twice"},
	missingFlagValue:     {"missing-flag-value", errorLevel, "", "a flag needs a value"},
	invalidFlagValue:     {"invalid-flag-value", errorLevel, "", "a flag cannot have this value"},
	missingArgument:      {"missing-argument", errorLevel, "", "an instruction has too few arguments"},
	unexpectedArgument:   {"unexpected-argument", errorLevel, "", "an instruction has an argument too many"},
	emptyArgument:        {"empty-argument", errorLevel, "", "an argument is empty"},
	missingEquals:        {"missing-equals", errorLevel, "", `a word among name=value pairs has no "="`},
	emptyName:            {"empty-name", errorLevel, "", `nothing stands before the "="`},
	unterminatedQuote:    {"unterminated-quote", errorLevel, "", "a quote is not closed"},
	badVariable:          {"bad-variable", errorLevel, "", "a ${...} is not closed or not known"},
	unterminatedHeredoc:  {"unterminated-heredoc", errorLevel, "", "no line ends a here-document"},
	heredocDestination:   {"heredoc-destination", errorLevel, "", "a here-document stands where the destination belongs"},
	jsonNotStrings:       {"json-not-strings", errorLevel, "", "a JSON form holds something other than strings"},
	jsonMalformed:        {"json-malformed", errorLevel, "", "paths in what looks like the JSON form make sense neither as JSON nor as plain words"},
	shellNotJSON:         {"shell-not-json", errorLevel, "", "SHELL is not in the JSON form"},
	invalidStageName:     {"invalid-stage-name", errorLevel, "", "a stage has a name it cannot have"},
	stageCycle:           {"stage-cycle", errorLevel, "", "a stage takes files from itself"},
	forwardStage:         {"forward-stage", errorLevel, "", "a stage takes files from a later one"},
	unknownStage:         {"unknown-stage", errorLevel, "", "there is no stage of this number"},
	variableNotSupported: {"variable-not-supported", errorLevel, "", "a variable stands where none is expanded"},
	invalidOnbuild:       {"invalid-onbuild", errorLevel, "", "ONBUILD cannot hold this instruction"},
	invalidMount:         {"invalid-mount", errorLevel, "", "the options of a --mount are malformed or contradict each other"},
	unknownMountOption:   {"unknown-mount-option", errorLevel, "", "a --mount has no such option"},
	invalidPlatform:      {"invalid-platform", errorLevel, "", "a platform is not os/arch or os/arch/variant"},
	invalidDuration:      {"invalid-duration", errorLevel, "", "a duration is malformed or too short"},
	invalidNumber:        {"invalid-number", errorLevel, "", "a number is malformed or out of range"},
	invalidMode:          {"invalid-mode", errorLevel, "", "a file mode is neither octal nor symbolic"},
	invalidChecksum:      {"invalid-checksum", errorLevel, "", "a checksum is malformed or cannot be used here"},
	invalidPort:          {"invalid-port", errorLevel, "", "a port is malformed or out of range"},
	invalidSignal:        {"invalid-signal", errorLevel, "", "no signal has this name or number"},
	invalidHealthcheck:   {"invalid-healthcheck", errorLevel, "", "HEALTHCHECK is followed by neither CMD nor NONE"},

	misplacedDirective:      {"misplaced-directive", warningLevel, "", "a comment looks like a parser directive and stands too low to be one"},
	jsonInvalid:             {"json-invalid", warningLevel, "", "text looks like the JSON form, is not valid JSON, and is taken as plain text"},
	flagIgnored:             {"flag-ignored", warningLevel, "", "a flag has no effect"},
	maintainerDeprecated:    {"maintainer-deprecated", warningLevel, "MaintainerDeprecated", "MAINTAINER is deprecated"},
	stageNameCasing:         {"stage-name-casing", warningLevel, "StageNameCasing", "a stage name is not lower case"},
	fromAsCasing:            {"from-as-casing", warningLevel, "FromAsCasing", "FROM and AS differ in case"},
	duplicateStageName:      {"duplicate-stage-name", warningLevel, "DuplicateStageName", "two stages have the same name"},
	reservedStageName:       {"reserved-stage-name", warningLevel, "ReservedStageName", "a stage is called scratch or context"},
	legacyKeyValueFormat:    {"legacy-key-value-format", warningLevel, "LegacyKeyValueFormat", `ENV or LABEL is written without "="`},
	emptyContinuation:       {"empty-continuation", warningLevel, "NoEmptyContinuation", "a blank line stands inside an instruction"},
	multipleInstructions:    {"multiple-instructions", warningLevel, "MultipleInstructionsDisallowed", "only the last CMD, ENTRYPOINT or HEALTHCHECK of a stage counts"},
	jsonArgsRecommended:     {"json-args-recommended", warningLevel, "JSONArgsRecommended", "CMD or ENTRYPOINT is in the shell form, which keeps signals from the process"},
	consistentCasing:        {"consistent-instruction-casing", warningLevel, "ConsistentInstructionCasing", "instructions differ in case"},
	exposeProtoCasing:       {"expose-proto-casing", warningLevel, "ExposeProtoCasing", "the protocol of a port is not lower case"},
	exposeInvalidFormat:     {"expose-invalid-format", warningLevel, "ExposeInvalidFormat", "EXPOSE is given an IP address or a host port"},
	redundantTargetPlatform: {"redundant-target-platform", warningLevel, "RedundantTargetPlatform", "FROM --platform repeats the default"},
}
