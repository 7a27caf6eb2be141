// A recipe that runs through in a second.

export const TINY_RECIPE = `
model: { init: { family: mistral, width: 16, layers: 2, queryHeads: 4, feedForwardWidth: 24, maxPositions: 256 } }
window: 12
arms: [swa]
data: { task: running-total, testCount: 2 }
sft: { steps: 1, batchExamples: 2, lr: 0.02 }
rl: null
eval: { modes: [greedy], maxNewTokens: 2 }
`;
