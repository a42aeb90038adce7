export { trainSubnets, type SubnetOptions, type SubnetResult } from './independent-subnet-training.ts';
