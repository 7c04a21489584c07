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
 * @typedef {Scale & {key: string, symbol: string, default: number, scale: string}} Parameter as in constrained/registry.py
 *
 * @typedef {object} Entry a constraint, as in constrained/registry.py
 * @property {Family} family
 * @property {string} title
 * @property {string[]} parameters keys of its parameters
 * @property {string} formula
 * @property {string} example
 * @property {string} help
 * @property {boolean} zeros whether its exact zeros are counted
 *
 * @typedef {Record<string, number>} Numbers key of a parameter -> its value
 * @typedef {Record<string, string>} Methods family -> key of a constraint
 * @typedef {{methods: Methods, settings: Numbers}} Setting of the Explore tab
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
 * @typedef {Record<string, (asked?: unknown) => void>} Asks name of an event -> asks the server, or gradio
 *
 * @typedef {object} Question to the server, while it waits for its answer
 * @property {string} [event]
 * @property {any} data of the event
 * @property {any[]} given the event's inputs
 * @property {string} at id of the element that asked
 * @property {string[]} outputs ids of the elements that are told
 * @property {number} number later questions have higher ones
 *
 * @typedef {object} TrainSetting of the Train tab, as constrained.training.Setting
 * @property {string} method key of a constraint, "" for none
 * @property {number} lo
 * @property {number} hi
 * @property {number} temperature
 * @property {number} lam
 * @property {number} radius
 * @property {boolean} learned whether T is learned
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
 * @property {number} number of the question to the server
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
