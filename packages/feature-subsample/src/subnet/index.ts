/**
 * Independent subnet training: workers that each train a part of a network.
 *
 * @module
 */
export { trainSubnets, type SubnetOptions, type SubnetResult } from './independent-subnet-training.ts';
