/**
 * What the modules hand each other. Numbers of a class each are in the order of the model's classes.
 *
 * @typedef {"bounded" | "probability" | "regularised"} Family a constrained column
 * @typedef {"raw" | Family} Column
 *
 * @typedef {object} Scale a range of numbers, and how a slider goes through it
 * @property {number} low
 * @property {number} high
 * @property {boolean} [zero] whether 0 is allowed too, left of `low` on a logarithmic scale
 *
 * @typedef {object} Named what every parameter has, as in constrained/parameters.py
 * @property {string} key
 * @property {string} symbol
 * @property {string} name of its control
 * @property {string} link its name in links
 * @property {string} shortcut the key of present mode that chooses its slider, or ""
 *
 * @typedef {object} Ranged what a number has beside its scale
 * @property {"number"} kind
 * @property {number} default
 * @property {string} scale "linear" or "log"
 * @property {boolean} whole whether it takes whole numbers alone
 * @property {string} above key of the parameter that it cannot fall below, or ""
 * @property {number | null} neutral the value that its slider clicks into
 *
 * @typedef {Named & Scale & Ranged} RangeParameter one number for all classes
 * @typedef {Named & {kind: "vector", default: number, low: number, high: number}} VectorParameter a number for each class
 * @typedef {Named & {kind: "mask", default: boolean}} MaskParameter yes or no for each class
 * @typedef {VectorParameter | MaskParameter} EachClass
 * @typedef {RangeParameter | EachClass} Parameter as in constrained/parameters.py
 *
 * @typedef {object} Entry a constraint, as in constrained/registry.py
 * @property {Family} family
 * @property {string} title
 * @property {string[]} parameters keys of its parameters
 * @property {string} formula
 * @property {string} example
 * @property {string} help
 * @property {boolean} zeros whether its exact zeros are counted
 * @property {boolean} elementwise whether each output depends on its own logit alone, so that many rows can be mapped as one
 * @property {boolean} sparse whether it can predict a probability of exactly 0, for which the NLL is infinite
 * @property {boolean} clips whether it changes only what lies beyond its bounds
 * @property {boolean} inward whether it passes only gradients that lead back into its bounds
 * @property {"l1" | "l2" | ""} norm of the penalty that can replace a proximal step
 *
 * @typedef {Record<string, number>} Numbers by name
 * @typedef {Record<string, any>} Settings key of a parameter -> its number, or the text of one that differs by class
 * @typedef {Record<string, any>} Values the same as constraints take them: of the latter a value for all, or one for each class
 * @typedef {Record<string, string>} Methods family -> key of a constraint
 * @typedef {{methods: Methods, settings: Settings}} Setting of the Explore tab
 *
 * @typedef {object} Output what a constraint makes of logits
 * @property {Float64Array} y
 * @property {Uint8Array} dead 1 where the map is locally flat in the class, so that no output passes a gradient to it
 * @property {Numbers} named the numbers that the formula shows beside the parameters: thresholds, sums, norms
 *
 * @typedef {ArrayLike<number> & Iterable<number>} Logits
 *
 * @typedef {Record<string, any>} Props of gradio's component; `value` is what the server sent last
 * @typedef {(what: string | string[], work: () => void) => void} Watch calls `work` when the server has sent something
 * @typedef {Record<string, (data?: unknown) => void>} Asks name of an event -> asks the server, or gradio
 *
 * @typedef {object} Message of the server to a tab; the rest of it depends on its kind
 * @property {string} kind
 * @property {number} [question] the number of the question that it answers
 *
 * @typedef {Record<string, (message: any) => void>} Readers kind of message -> who reads it
 *
 * @typedef {object} Pending a request of gradio's, while it waits for its answer
 * @property {string} [event]
 * @property {any} data of the event
 * @property {any[]} given the event's inputs
 * @property {string} at id of the element whose event it is
 * @property {string[]} outputs ids of the elements that the answer is for
 * @property {number} order later requests have higher ones
 *
 * @typedef {object} LabelledLogits logits with the right class of each row
 * @property {Float64Array} logits rows x width numbers, row by row
 * @property {Int32Array} labels
 * @property {number} rows
 * @property {number} width number of classes
 * @property {string[]} classes their names
 *
 * @typedef {object} Predicted probabilities, as the softmax of `values / divisor`
 * @property {Float64Array} values rows x width numbers; -Infinity for a probability of 0
 * @property {number} divisor
 *
 * @typedef {object} Reliability what a reliability diagram draws, a number for each bin
 * @property {Float64Array} count rows
 * @property {Float64Array} confidence mean of the top class; NaN in an empty bin
 * @property {Float64Array} accuracy likewise
 *
 * @typedef {object} Figures how good predictions are
 * @property {number} accuracy
 * @property {number} nll in nats; Infinity if a label has probability 0
 * @property {number} ece
 * @property {number} brier
 * @property {number} impossible share of rows whose label has probability 0
 * @property {number} confidence mean of the top class
 * @property {Reliability} table
 */

/**
 * Links.
 *
 * @typedef {string | number | boolean} Value of a control
 * @typedef {{kind: "flag", opening: boolean}} FlagControl
 * @typedef {{kind: "text", opening: string}} TextControl
 * @typedef {{kind: "choice", opening: string | number, values: (string | number)[]}} ChoiceControl
 *
 * @typedef {object} RangeControl
 * @property {"number"} kind
 * @property {number} opening
 * @property {number} low
 * @property {number} high
 * @property {number} unit how many of gradio's units one of the setting's is
 * @property {boolean} whole whether it takes whole numbers alone
 * @property {RangeParameter} [scale] the logarithmic one of its slider
 *
 * @typedef {{kind: "vector", opening: string, scale: VectorParameter}} VectorControl
 * @typedef {{kind: "mask", opening: string, scale: MaskParameter}} MaskControl
 * @typedef {FlagControl | TextControl | ChoiceControl | RangeControl | VectorControl | MaskControl} Control as constrained/page/links.py describes it
 * @typedef {Record<string, Record<string, Control>>} Controls owner -> key -> control
 *
 * @typedef {object} LinkFacts what the grammar of links needs to know of the page
 * @property {Record<string, {family: Family, parameters: string[]}>} methods of the registry
 * @property {Record<string, Parameter>} parameters of the registry
 * @property {Family[]} families
 * @property {Controls} controls
 * @property {string[]} images the first one is in the page as it opens
 * @property {string[]} models likewise
 * @property {string[]} tabs
 * @property {string[]} hides names of parts that a link can hide
 *
 * @typedef {object} Notice a text to translate
 * @property {string} text
 * @property {Record<string, string | number | Notice>} [values]
 *
 * @typedef {[key: string, value: string][]} Pairs of a query
 * @typedef {Record<string, Record<string, Value>>} Wanted owner -> key -> value
 *
 * @typedef {object} LinkedPage what a link asks of the page beside its controls; null for what it does not mention
 * @property {string | null | undefined} tab undefined for one that there is not; so with all others
 * @property {string | null} lesson
 * @property {string | null} step
 * @property {boolean | null} present
 * @property {boolean | null} teacher
 * @property {string[] | null} hide
 * @property {Setting | null | undefined} a
 *
 * @typedef {LinkedPage & {wanted: Wanted, image: string | null | undefined, model: string | null | undefined,
 *   notices: Notice[]}} Link
 *
 * @typedef {object} Subject what all tabs are about
 * @property {string | null} image a sample's name, or null for a visitor's own picture
 * @property {string | null} model null until the server has sent the first logits
 * @property {string[]} labels the model's classes
 * @property {Setting | null} a the setting that is pinned as A
 *
 * Lessons, as constrained/lessons.py sends them. Texts are HTML where Markdown made them.
 *
 * @typedef {object} Guess a number to predict
 * @property {number} low
 * @property {number} high
 * @property {string} unit "" for none
 * @property {number} answer
 * @property {string} shown the answer as text
 *
 * @typedef {object} LessonStep
 * @property {string} title
 * @property {string} setting a query
 * @property {string} text
 * @property {string | null} question
 * @property {string[] | null} choices null where a number is asked for
 * @property {number[]} right numbers of the right choices
 * @property {Guess | null} slider
 * @property {string} reveal a query
 * @property {string} why
 * @property {string | null} run key of an experiment
 *
 * @typedef {object} Lesson
 * @property {string} slug its name in links
 * @property {string} title
 * @property {number} minutes
 * @property {string} summary
 * @property {string | null} teacher
 * @property {LessonStep[]} steps
 *
 * @typedef {{caption: string, columns: string[], rows: (string | number)[][]}} Table of an experiment
 * @typedef {object} TrainSetting of the Train tab, as constrained.training.Setting
 * @property {string} method key of a constraint, "" for none
 * @property {Settings} settings of the constraint
 * @property {boolean} learned whether what can be learned is
 * @property {"" | "l1" | "l2"} penalty
 * @property {number} weight of the penalty
 * @property {string} optimizer
 * @property {number} learning_rate
 * @property {number} epochs
 * @property {number} batch 0 for all examples at once
 * @property {number} noise share of wrong labels
 * @property {number} examples
 * @property {number} seed
 *
 * @typedef {object} TrainFigures of a head after some epochs, as constrained.training.Figures
 * @property {number} epoch
 * @property {number} train_loss
 * @property {number} train_accuracy
 * @property {number} loss
 * @property {number} accuracy
 * @property {number | null} nll null for an infinite one, which JSON does not have
 * @property {number} impossible share of examples whose true class has probability 0
 * @property {number} ece
 * @property {number} size mean |logit|
 * @property {number} dead share of logits without gradient
 * @property {number | null} temperature
 *
 * @typedef {object} Run of the Train tab
 * @property {number} question to the server, its number
 * @property {number} slot its colour and dash
 * @property {number} label what its lines wear
 * @property {string} given the visitor's name for it
 * @property {string} name that, or one made of its label
 * @property {TrainSetting} setting
 * @property {"waiting" | "running" | "done" | "stopped" | "failed"} state
 * @property {TrainFigures[]} points
 * @property {string | null} head a safetensors file in base64
 * @property {boolean} hidden from the plots
 * @property {boolean} live whether live training may replace it
 * @property {number} [seconds] that it took
 */

export {};
