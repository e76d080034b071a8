// Reads images with the weights and paths of data.js, which the package wrote.
(() => {
  const data = window.KERAS_IMGSEQ;
  const SIDE = 28;
  const UNITS = 16;
  const CLASSES = 10;

  function bytesOf(text) {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }

  function pathOf(text) {
    return new Uint16Array(bytesOf(text).buffer);
  }

  // Keras' order of the weights: kernel, recurrent kernel, bias, then those of the logits.
  function networkOf({ unit, weights }) {
    const all = Float64Array.from(new Int16Array(bytesOf(weights).buffer), (w) => w * unit);
    let start = 0;
    const take = (count) => {
      start += count;
      return all.subarray(start - count, start);
    };
    return {
      kernel: take(SIDE * UNITS),
      recurrentKernel: take(UNITS * UNITS),
      bias: take(UNITS),
      logitsKernel: take(UNITS * CLASSES),
      logitsBias: take(CLASSES),
    };
  }

  function addProduct(sums, values, kernel) {
    for (let i = 0; i < values.length; i++) {
      for (let j = 0; j < sums.length; j++) {
        sums[j] += values[i] * kernel[i * sums.length + j];
      }
    }
  }

  function softmax(logits) {
    const most = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - most));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  }

  // The state and the belief in each class after each step.
  function read(network, steps) {
    const states = [];
    const beliefs = [];
    let state = new Float64Array(UNITS);
    for (const features of steps) {
      const sums = Float64Array.from(network.bias);
      addProduct(sums, features, network.kernel);
      addProduct(sums, state, network.recurrentKernel);
      state = sums.map((sum) => Math.max(0, sum));
      const logits = Float64Array.from(network.logitsBias);
      addProduct(logits, state, network.logitsKernel);
      states.push(state);
      beliefs.push(softmax(logits));
    }
    return { states, beliefs };
  }

  // One array of features for each cell of the path.
  function stepsOf(image, side, [height, width], path) {
    const gridWidth = side / width;
    return Array.from(path, (cell) => {
      const top = Math.floor(cell / gridWidth) * height;
      const left = (cell % gridWidth) * width;
      const features = new Float64Array(height * width);
      for (let i = 0; i < features.length; i++) {
        const row = top + Math.floor(i / width);
        features[i] = image[row * side + left + (i % width)];
      }
      return features;
    });
  }

  function rowsOf(image) {
    return stepsOf(
      image,
      SIDE,
      [1, SIDE],
      Array.from({ length: SIDE }, (_, row) => row),
    );
  }

  function bestOf(belief) {
    return belief.indexOf(Math.max(...belief));
  }

  // The number of steps after which the best class is the label and stays so, or 0 for never.
  function knownAfter(beliefs, label) {
    let count = beliefs.length;
    while (count > 0 && bestOf(beliefs[count - 1]) === label) {
      count--;
    }
    return count === beliefs.length ? 0 : count + 1;
  }

  const allImages = bytesOf(data.digits.images);
  const digits = data.digits.labels.map((label, number) => ({
    label,
    pixels: allImages.slice(number * SIDE * SIDE, (number + 1) * SIDE * SIDE),
  }));

  function scaled(pixels) {
    return Float64Array.from(pixels, (pixel) => pixel / 255);
  }

  const networks = {};
  for (const [name, described] of Object.entries(data.networks)) {
    networks[name] = networkOf(described);
  }

  window.imgseq = {
    SIDE,
    UNITS,
    CLASSES,
    data,
    digits,
    networks,
    photo: bytesOf(data.photo),
    bestOf,
    knownAfter,
    networkOf,
    pathOf,
    read,
    rowsOf,
    scaled,
    stepsOf,
  };
})();
