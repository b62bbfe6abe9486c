#!/usr/bin/env node
// Sixteen requests at once in each process:  divvy run -j 2 --handler examples/handlers/fetch.js --each-line urls.txt
'use strict'
const { run } = require('../../clients/node/divvy-handler')

run(
  async task => {
    const response = await fetch(task.input)
    if (!response.ok) throw new Error(`${task.input}: ${response.status}`)
    return `${task.input} ${(await response.arrayBuffer()).byteLength}\n`
  },
  { atOnce: 16 }
)
