/** Names of classes, by label, as those who made the data sets call them. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** MNIST's. */
export const digitClasses = words("0 1 2 3 4 5 6 7 8 9");

/** Fashion-MNIST's. */
export const fashionMnistClasses: readonly string[] =
  "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot".split(", ");

/** CIFAR-10's. */
export const cifar10Classes = words("airplane automobile bird cat deer dog frog horse ship truck");

/** CIFAR-100's fine ones. */
export const cifar100Classes = words(`
  apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle
  bowl boy bridge bus butterfly camel can castle caterpillar cattle
  chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur
  dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard
  lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain
  mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree
  plain plate poppy porcupine possum rabbit raccoon ray road rocket
  rose sea seal shark shrew skunk skyscraper snail snake spider
  squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
  train trout tulip turtle wardrobe whale willow_tree wolf woman worm`);
